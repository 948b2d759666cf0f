"""Figures of messages: POST by one agent → GET by another, beside Redis streams; what checks and records cost.

    python -m bench.messages [hop] [checks] [--seconds 3] [--rounds 3]

`hop`: messages a second and their p50 and p99 with 1, 8 and 32 pairs of agents. A pair has one message on
its way: the next goes out once the last was read. Redis does the same durable hop in the same run, in turn.
`checks`: the hub's CPU for a message as it is, and without one of its parts at a time.

Needs redis-server (Debian's package). Agents are simulated, see bench.one_hub; bounds that one agent
would never reach are lifted, since each pair sends as fast as it can.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agentctl.client import Hub
from agentctl.model.fleet import AccessRule, Effect
from bench import one_hub, peers
from bench.capacity import percentiles
from bench.one_hub import Served
from bench.redis_hop import RedisPair
from bench.wire import Loop, request
from tests.fakes.fleet import OPERATORS_DISPATCH, RESEARCHER, THINKER, fleet

PAIRS = (1, 8, 32)
CHECKED_PAIRS = 8
WARM_UP_S = 0.5
MESSAGES = "/api/hub/messages"
TEXT = "x" * 200
TALK = AccessRule(name="talk", effect=Effect.ALLOW, verb="message.send", principal="agent:*")
PARTS = {
    "identity": "the check of identity (signature remembered; record, life and container each time)",
    "journal": "the journal's line and the decision",
    "record": "all records, the answer kept for repeats included: an empty commit is left",
}


class Pair:
    """A sender and its recipient, each a container with a task of its own."""

    def __init__(self, loop: Loop, hub: Served, number: int, took: list[float]) -> None:
        self._sender = loop.line(hub.paths.hub_socket)
        self._recipient = loop.line(hub.paths.hub_socket)
        self._svids = hub.svids[2 * number : 2 * number + 2]
        self._to = f"r{number}"
        self._tasks = [
            at_work(hub, f"{role}{number}", svid)
            for role, svid in zip("sr", self._svids, strict=True)
        ]
        self._took = took
        self._count = 0
        self._open = 0  # of the answer to the sender and the message at the recipient
        self._sent_s = 0.0

    def begin(self) -> None:
        """Wait as the recipient, send the first."""
        self._look("")
        self._send()

    def _look(self, seen: str) -> None:
        query = f"wait=20&slots=0&mail=16&holds={self._tasks[1]}:1&seen={seen}"
        asked = request("GET", f"{MESSAGES}?{query}", token=self._svids[1])
        self._recipient.ask(asked, self._got)

    def _send(self) -> None:
        self._count += 1
        message = {
            "id": f"m-{self._count}",
            "type": "request",
            "task": self._tasks[0],
            "attempt": 1,
            "to": {"agent": self._to},
            "payload": {"text": TEXT},
            "timeout_s": 5,
        }
        self._open, self._sent_s = 2, time.perf_counter()
        self._sender.ask(request("POST", MESSAGES, token=self._svids[0], body=message), self._sent)

    def _sent(self, status: int, body: bytes) -> None:
        assert status == 200, (status, body[:500])
        self._closed()

    def _got(self, status: int, body: bytes) -> None:
        assert status == 200, (status, body[:500])
        found = json.loads(body)["messages"]
        self._took += [(time.perf_counter() - self._sent_s) * 1000 for _ in found]
        self._look(found[-1]["id"] if found else "")
        if found:
            self._closed()

    def _closed(self) -> None:
        self._open -= 1
        if not self._open:
            self._send()


def at_work(hub: Served, agent: str, svid: str) -> str:
    """Give a container a task and have it accepted; return the task."""
    asked = {"prompt": "talk", "agent": agent}
    task = str(Hub(str(hub.paths.operator_socket)).post("/api/hub/tasks", asked)["id"])
    mine = Hub(str(hub.paths.hub_socket), token=svid)
    given = mine.get(f"{MESSAGES}?wait=10&slots=1")["messages"]
    assert [each["task"] for each in given] == [task], given
    about = {"id": "accepted", "type": "task.accepted", "task": task, "attempt": 1, "payload": {}}
    mine.post(MESSAGES, about)
    return task


def ours(pairs: int, seconds: float, without: str = "") -> tuple[list[float], float, float]:
    """Return the milliseconds of each message, messages per second, and the hub's CPU ms for each."""
    agents = [replace(RESEARCHER, name=f"{role}{at}") for at in range(pairs) for role in "sr"]
    desired = fleet(*agents, THINKER, access=(OPERATORS_DISPATCH, TALK))
    argv = (sys.executable, "-m", "bench.hub_without", without or "nothing")
    with one_hub.serving(desired, [(each, 0) for each in agents], child_argv=argv) as hub:
        loop, took = Loop(), list[float]()
        try:
            for each in [Pair(loop, hub, number, took) for number in range(pairs)]:
                each.begin()
            rate, used_s = driven(loop, took, seconds, hub.cpu_s)
        finally:
            loop.close()
    return took, rate, used_s / len(took) * 1000


def theirs(pairs: int, seconds: float) -> tuple[list[float], float]:
    """Return the same of Redis: milliseconds of each message, messages per second."""
    with tempfile.TemporaryDirectory(prefix="actl-peer-") as scratch, peers.redis(scratch) as path:
        loop, took = Loop(), list[float]()
        try:
            for number in range(pairs):
                RedisPair(loop, Path(path), number, took, TEXT).begin()
            rate, _ = driven(loop, took, seconds, lambda: 0.0)
        finally:
            loop.close()
    return took, rate


def driven(
    loop: Loop, took: list[float], seconds: float, used_s: Callable[[], float]
) -> tuple[float, float]:
    """Run the loop, its beginning not counted; return messages per second and the CPU seconds used."""
    warm = time.perf_counter() + WARM_UP_S
    loop.run(until=lambda: time.perf_counter() > warm)
    took.clear()
    used, began = used_s(), time.perf_counter()
    loop.run(until=lambda: time.perf_counter() > began + seconds)
    return len(took) / (time.perf_counter() - began), used_s() - used


def hop(seconds: float, rounds: int) -> None:
    """Messages end to end beside Redis, in turn."""
    if shutil.which("redis-server") is None:
        print("no redis-server: install Debian's redis-server to have a peer", flush=True)
    for pairs in PAIRS:
        mine, redis = [], []
        for _ in range(rounds):
            took, rate, each_ms = ours(pairs, seconds)
            mine.append((rate, *percentiles(took), each_ms))
            if shutil.which("redis-server") is not None:
                took, rate = theirs(pairs, seconds)
                redis.append((rate, *percentiles(took)))
        rate, p50, p99, each_ms = map(statistics.median, zip(*mine, strict=True))
        print(
            f"messages, {pairs:2} pairs: {rate:.0f}/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms,"
            f" {each_ms:.2f} ms of the hub's CPU each ({spread(mine)}/s)",
            flush=True,
        )
        if redis:
            theirs_s, p50, p99 = map(statistics.median, zip(*redis, strict=True))
            print(
                f"  {rate / theirs_s:.2f} x Redis streams, appendfsync always: {theirs_s:.0f}/s,"
                f" p50 {p50:.2f} ms, p99 {p99:.2f} ms ({spread(redis)}/s)",
                flush=True,
            )


def spread(rows: Sequence[tuple[float, ...]]) -> str:
    return f"{min(row[0] for row in rows):.0f} to {max(row[0] for row in rows):.0f}"


def checks(seconds: float, rounds: int) -> None:
    """What a message costs the hub, as it is and without a part of it, in turn."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ("", *PARTS)}
    for _ in range(rounds):
        for name, rows in found.items():
            _, rate, each_ms = ours(CHECKED_PAIRS, seconds, without=name)
            rows.append((each_ms, rate))
    whole_ms, whole_s = map(statistics.median, zip(*found[""], strict=True))
    print(f"a message, {CHECKED_PAIRS} pairs: {whole_ms:.3f} ms of the hub's CPU, {whole_s:.0f}/s")
    for name, about in PARTS.items():
        each_ms, rate = map(statistics.median, zip(*found[name], strict=True))
        print(
            f"  {1 - each_ms / whole_ms:6.1%} of it is {about}"
            f" ({each_ms:.3f} ms and {rate:.0f}/s without)",
            flush=True,
        )


FIGURES = {"hop": hop, "checks": checks}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*FIGURES, []], default=[])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    for name in chosen.parts or FIGURES:
        FIGURES[name](chosen.seconds, chosen.rounds)


if __name__ == "__main__":
    main()
