"""Figures of capacity: submits/s, submit → agent, round trips/s beside other queues, 1,000 idle agents.

    python -m bench.capacity [submits] [latency] [trips] [idle] [--seconds 5]

Each stands beside what the machine and a peer reach in the same run. Agents are simulated: this
process holds all their connections, see bench.one_hub.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import count, cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agentctl.store import Store
from bench import empty_server, peers
from bench.agents import Agent, Heart
from bench.one_hub import AGENT, Served, served
from bench.store import submit as store_submit
from bench.wire import Line, Loop, rate, request

CLIENTS = (1, 16, 64)
CONNECTED = (10, 100, 1000)
TASKS_A_SECOND = 25.0  # at which submit → agent is measured: far from saturation
P99_AIM_MS = 20.0
WORKERS = 8
HEARTBEAT_S = 10.0


def submit_request(number: int) -> bytes:
    body = {"prompt": f"{number}", "agent": AGENT}
    return request("POST", "/api/hub/tasks", body=body)


def submits(seconds: float) -> None:
    """Durable submits beside an empty handler on the same server, and beside bare group commit."""
    numbers = count()
    for clients in CLIENTS:
        with empty_server.running() as path:
            empty, _ = rate(
                path, clients, lambda: empty_server.REQUEST, seconds=seconds, status=200
            )
        commits = group_commits(clients, seconds)
        with served(0) as hub:
            used = hub.cpu_s()
            ours, done = rate(
                hub.paths.operator_socket,
                clients,
                lambda: submit_request(next(numbers)),
                seconds=seconds,
                status=201,
            )
            each_ms = (hub.cpu_s() - used) / done * 1000
        print(
            f"durable submits, {clients:2} clients: {ours / empty:.2f} x an empty handler "
            f"({empty:.0f}/s), {ours / commits:.2f} x bare group commit of the same records "
            f"({commits:.0f}/s): {ours:.0f}/s, {each_ms:.2f} ms of the hub's CPU each",
            flush=True,
        )


def group_commits(threads: int, seconds: float) -> float:
    """Return a submit's records made durable per second, from threads, with nothing around the store."""
    with tempfile.TemporaryDirectory(prefix="actl-cap-") as scratch:
        store = Store.open(Path(scratch) / "store")
        numbers, done, end = count(), [0] * threads, time.perf_counter() + seconds

        def work(at: int) -> None:
            while time.perf_counter() < end:
                store.write(store_submit(next(numbers)))
                done[at] += 1

        workers = [threading.Thread(target=work, args=(at,)) for at in range(threads)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        store.close()
        return sum(done) / seconds


def latency(seconds: float) -> None:
    """Submit → an idle agent has it, by how many are connected."""
    for agents in CONNECTED:
        with served(agents) as hub:
            took = hand_outs(hub, seconds=seconds)
        p50, p99 = percentiles(took)
        met = "met" if p99 <= P99_AIM_MS else "MISSED"
        print(
            f"submit → agent, {agents:4} connected: p50 {p50:.1f} ms, p99 {p99:.1f} ms "
            f"(aim {P99_AIM_MS:.0f} ms {met}; {len(took)} tasks at {TASKS_A_SECOND:.0f}/s)",
            flush=True,
        )


def hand_outs(hub: Served, *, seconds: float) -> list[float]:
    """Return the milliseconds from each submit's sending to its prompt's arrival at an agent."""
    loop = Loop()
    sent: dict[str, float] = {}
    took: list[float] = []

    def got(prompt: str) -> None:
        took.append((time.perf_counter() - sent[prompt]) * 1000)

    def nothing() -> None:
        return

    for svid in hub.svids:
        Agent(loop, hub.paths, svid, got=got, settled=nothing).poll()
    free = [loop.line(hub.paths.operator_socket) for _ in range(WORKERS)]
    began = time.perf_counter() + 2.0  # until all of them wait
    due = (began + at / TASKS_A_SECOND for at in count())
    upcoming = [next(due)]

    def send() -> None:
        if time.perf_counter() < upcoming[0] or not free:
            return
        upcoming[0] = next(due)
        line, prompt = free.pop(), str(len(sent))
        sent[prompt] = time.perf_counter()
        line.ask(submit_request(int(prompt)), lambda _status, _body: free.append(line))

    try:
        loop.run(until=lambda: time.perf_counter() > began + seconds, each_turn=send)
        loop.run(until=lambda: len(took) == len(sent))
    finally:
        loop.close()
    return took


def trips(seconds: float) -> None:
    """Full round trips with 8 agents, beside task queues with 8 workers."""
    tasks = int(300 * seconds)
    with served(WORKERS) as hub:
        used = hub.cpu_s()
        ours = round_trips(hub, tasks)
        each_ms = (hub.cpu_s() - used) / tasks * 1000
    print(
        f"round trips, {WORKERS} agents: {ours:.0f}/s, {each_ms:.2f} ms of the hub's CPU each",
        flush=True,
    )
    for name, theirs in peers.rates(tasks, WORKERS):
        told = f"{ours / theirs:.2f} x {name} ({theirs:.0f}/s)" if theirs else f"{name}: skipped"
        print(f"  {told}", flush=True)


def round_trips(hub: Served, tasks: int) -> float:
    """Return tasks per second from the first submit to the last result, 8 submitting as fast as they can."""
    loop, settled, numbers = Loop(), [0], iter(range(tasks))

    def done() -> None:
        settled[0] += 1

    for svid in hub.svids:
        Agent(loop, hub.paths, svid, got=lambda _prompt: None, settled=done).poll()
    began = time.perf_counter()

    def again(line: Line) -> None:
        number = next(numbers, None)
        if number is not None:
            line.ask(submit_request(number), lambda _status, _body: again(line))

    try:
        for _ in range(WORKERS):
            again(loop.line(hub.paths.operator_socket))
        loop.run(until=lambda: settled[0] == tasks)
        return tasks / (time.perf_counter() - began)
    finally:
        loop.close()


def idle(seconds: float) -> None:
    """CPU and memory of a hub with 1,000 agents that poll and beat, and how fast health answers."""
    with served(CONNECTED[-1]) as hub:
        alone_mib = hub.memory_mib()
        loop = Loop()
        for svid in hub.svids:
            Agent(loop, hub.paths, svid, got=lambda _prompt: None, settled=lambda: None).poll()
        hearts = [Heart(loop, hub.paths, svid) for svid in hub.svids]
        beating, took = cycle(hearts), []
        line = loop.line(hub.paths.operator_socket)
        due = [time.perf_counter(), time.perf_counter()]

        def each_turn() -> None:
            now = time.perf_counter()
            if now >= due[0]:
                due[0] += HEARTBEAT_S / len(hearts)
                next(beating).beat()
            if now >= due[1]:
                due[1] = now + 0.2
                line.ask(
                    request("GET", "/healthz"),
                    lambda *_: took.append((time.perf_counter() - now) * 1000),
                )

        try:
            settle = time.perf_counter() + 3.0
            loop.run(until=lambda: time.perf_counter() > settle, each_turn=each_turn)
            took.clear()
            used, began = hub.cpu_s(), time.perf_counter()
            loop.run(until=lambda: time.perf_counter() > began + 2 * seconds, each_turn=each_turn)
            percent = (hub.cpu_s() - used) / (time.perf_counter() - began) * 100
            p50, p99 = percentiles(took)
            print(
                f"{len(hearts)} idle agents: {percent:.1f} % of a core, {hub.memory_mib():.0f} MiB "
                f"({alone_mib:.0f} MiB before they connected), {hub.threads()} threads; "
                f"health answers in p50 {p50:.1f} ms, p99 {p99:.1f} ms",
                flush=True,
            )
        finally:
            loop.close()


def percentiles(took: list[float]) -> tuple[float, float]:
    ordered = sorted(took)
    return statistics.median(ordered), ordered[max(0, int(len(ordered) * 0.99) - 1)]


PARTS: dict[str, Callable[[float], None]] = {
    "submits": submits,
    "latency": latency,
    "trips": trips,
    "idle": idle,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--seconds", type=float, default=5.0)
    chosen = parser.parse_args()
    for name in chosen.parts or PARTS:
        PARTS[name](chosen.seconds)


if __name__ == "__main__":
    main()
