"""What the hub's own code costs: requests from the socket to the answer and back, on one thread, counted.

    python -m bench.on_one_thread [trips] [messages] [--count 400] [--callgrind]

No thread is changed and no disk waited for: each write commits at once, unsynced. So seconds vary little
with the neighbours, and with --callgrind (Debian's valgrind) instructions hardly at all: what to look at
when a change is a few per cent. It runs the apps, the store and waitress's parser as the hub does.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agentctl import bootstrap
from agentctl.hub import agents, agents_app, operators_app, reconciler_app
from agentctl.messages import scope
from agentctl.model.digest import spec_hash
from agentctl.model.fleet import AgentSpec, DesiredState
from agentctl.model.principal import Peer
from agentctl.paths import StatePaths
from agentctl.service import live
from agentctl.store import Store, Txn
from agentctl.store.disk import DiskStore
from agentctl.store.lmdb_txn import LmdbTxn
from agentctl.web import listener, servers
from agentctl.web.workers import Work, Workers
from bench.hub_without import UNBOUNDED, replaced
from bench.messages import MESSAGES, TALK, TEXT
from bench.one_hub import desired_body
from bench.wire import request
from tests.fakes.fleet import OPERATORS_DISPATCH, PRIVATE, RESEARCHER, THINKER, fleet

MAP_BYTES = 1 << 28  # valgrind has no room for the usual one
AGENTS = 8
WARM = 16  # each has its turn
CONTAINER = "c" * 64
ME = Peer(pid=os.getpid(), uid=os.geteuid(), gid=0, container=CONTAINER)

T = TypeVar("T")
Row = dict[str, Any]
todo: list[Work] = []


class Wire:
    """An app behind the real server, whose loop and workers are this thread. A connection for each token."""

    def __init__(self, app: Any, path: Path) -> None:
        self._path = path
        self._server: Any = servers.unix_server(app, path, mode=0o666, threads=0)
        self._loop = self._server._listener._map
        self._lines: dict[str, socket.socket] = {}

    def ask(self, method: str, target: str, *, token: str = "", body: Any = None) -> Row:
        line = self._lines.get(token) or self._connected(token)
        line.sendall(request(method, target, token=token, body=body))
        while not todo:
            self._loop.turn(1.0)
        todo.pop().service()
        head, _, answer = line.recv(1 << 20).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 2"), (head, answer)
        found: Row = json.loads(answer)
        return found

    def _connected(self, token: str) -> socket.socket:
        self._lines[token] = line = socket.socket(socket.AF_UNIX)
        line.connect(str(self._path))
        self._loop.attend(self._server._listener._fileno)
        self._loop.turn(1.0)
        return line


class OneThread:
    """A hub without a thread of its own, and a fleet of living containers: their tokens."""

    def __init__(self, folder: Path) -> None:
        self._paths = paths = StatePaths(folder)
        paths.prepare(paths.store, paths.keys)
        self.store = Store.open(paths.store, map_bytes=MAP_BYTES, sync=False)
        hub = bootstrap.open_hub(paths, self.store)
        self.agents = Wire(agents_app(hub), folder / "agents.sock")
        self.operators = Wire(operators_app(hub, by="peer"), folder / "operators.sock")
        self._reconciler = Wire(reconciler_app(hub), folder / "reconciler.sock")

    def living(self, desired: DesiredState, specs: list[AgentSpec], replicas: int) -> list[str]:
        """Apply a fleet and bring its containers to life; return their SVIDs."""
        self.operators.ask("POST", "/api/hub/generations", body=desired_body(desired))
        return [self._one(spec, at) for spec in specs for at in range(replicas)]

    def close(self) -> None:
        """Leave nothing behind."""
        self.store.close()
        shutil.rmtree(self._paths.runtime, ignore_errors=True)

    def _one(self, spec: AgentSpec, replica: int) -> str:
        place = {"agent": spec.name, "host": spec.host, "replica": replica, "generation": 1}
        place["spec"] = spec_hash(spec, PRIVATE)
        made = self._reconciler.ask("POST", "/api/hub/instances", body=place)["instance"]
        bound = f"/api/hub/instances/{made}/bind"
        boot = self._reconciler.ask("POST", bound, body={"container": CONTAINER})["boot"]
        return str(
            self.agents.ask("POST", "/api/hub/svid", token=boot["instance_token"], body={})["svid"]
        )

    def given(self, agent: str, svid: str) -> Row:
        """Give a container a task; return its assignment."""
        self.operators.ask("POST", "/api/hub/tasks", body={"prompt": "x", "agent": agent})
        messages = self.agents.ask("GET", f"{MESSAGES}?slots=1", token=svid)["messages"]
        return dict(messages[0])

    def say(self, svid: str, about: Row, kind: str, payload: Row, query: str = "") -> Row:
        """Report on a task as its holder."""
        of = {"task": about["task"], "attempt": about["attempt"]}
        name = f"{about['task']}.{about['attempt']}.{kind}"
        message = {"id": name, "type": f"task.{kind}", **of, "payload": payload}
        return self.agents.ask("POST", MESSAGES + query, token=svid, body=message)


def trips(hub: OneThread) -> Callable[[int], None]:
    """A round trip: submitted, accepted, completed; the answer brings the next."""
    spec = replace(RESEARCHER, replicas=AGENTS)
    svids = hub.living(fleet(spec, THINKER), [spec], AGENTS)
    held = [hub.given(spec.name, svid) for svid in svids]

    def trip(number: int) -> None:
        at = number % AGENTS
        asked = {"prompt": f"{number}", "agent": spec.name}
        hub.operators.ask("POST", "/api/hub/tasks", body=asked)
        hub.say(svids[at], held[at], "accepted", {})
        done = {"text": "done", "duration_s": 0.1}
        held[at] = hub.say(svids[at], held[at], "completed", done, "?slots=1")["messages"][0]

    return trip


def messages(hub: OneThread) -> Callable[[int], None]:
    """A message: a request sent, and read by the agent that it is for."""
    specs = [replace(RESEARCHER, name=f"{role}{at}") for at in range(AGENTS) for role in "sr"]
    svids = hub.living(fleet(*specs, THINKER, access=(OPERATORS_DISPATCH, TALK)), specs, 1)
    held = [hub.given(spec.name, svid) for spec, svid in zip(specs, svids, strict=True)]
    for svid, each in zip(svids, held, strict=True):
        hub.say(svid, each, "accepted", {})
    seen = [""] * AGENTS

    def message(number: int) -> None:
        at = number % AGENTS
        sent = {"id": f"m-{number}", "type": "request", "task": held[2 * at]["task"], "attempt": 1}
        sent |= {"to": {"agent": f"r{at}"}, "payload": {"text": TEXT}, "timeout_s": 5}
        hub.agents.ask("POST", MESSAGES, token=svids[2 * at], body=sent)
        query = f"wait=20&mail=16&holds={held[2 * at + 1]['task']}:1&seen={seen[at]}"
        got = hub.agents.ask("GET", f"{MESSAGES}?{query}", token=svids[2 * at + 1])["messages"]
        assert len(got) == 1, got
        seen[at] = got[0]["id"]

    return message


PARTS = {"trips": trips, "messages": messages}


def at_once(store: DiskStore, work: Callable[[Txn], T]) -> T:
    """Write as the writing thread does, on this one."""
    with store._env.begin(write=True) as group, store._env.begin(write=True, parent=group) as child:
        return work(LmdbTxn(child, store._handles))


def counted(name: str, count: int, *, callgrind: bool) -> None:
    """Do so many, and print what each took; under callgrind only these are looked at."""
    with tempfile.TemporaryDirectory(prefix="actl-one-") as scratch:
        hub = OneThread(Path(scratch))
        try:
            one = PARTS[name](hub)
            for number in range(WARM):
                one(number)
            if callgrind:
                _instrument("on")
            began = time.process_time()
            for number in range(WARM, WARM + count):
                one(number)
            if callgrind:
                _instrument("off")
            else:
                each_us = (time.process_time() - began) / count * 1e6
                print(f"{name}: {each_us:.0f} us of CPU each, client included", flush=True)
        finally:
            hub.close()


def _instrument(how: str) -> None:
    subprocess.run(["callgrind_control", "-i", how, str(os.getpid())], check=True, timeout=60)


def instructions(name: str, count: int) -> int:
    """Return the instructions of one, as callgrind counts them."""
    with tempfile.TemporaryDirectory(prefix="actl-one-") as scratch:
        valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
        valgrind += [f"--callgrind-out-file={scratch}/%p"]
        child = [
            sys.executable,
            "-m",
            "bench.on_one_thread",
            name,
            "--count",
            str(count),
            "--child",
        ]
        environ = {**os.environ, "PYTHONHASHSEED": "0"}
        subprocess.run(valgrind + child, env=environ, check=True, capture_output=True, timeout=600)
        found = [
            re.findall(r"^totals: (\d+)", each.read_text(), re.MULTILINE)
            for each in Path(scratch).iterdir()
        ]
        return sum(int(number) for each in found for number in each) // count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--callgrind", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    on_this_thread()
    for name in chosen.parts or PARTS:
        if not chosen.callgrind:
            counted(name, chosen.count, callgrind=chosen.child)
        elif shutil.which("valgrind") is None:
            print("no valgrind: install Debian's to have instructions counted", flush=True)
        else:
            each = instructions(name, chosen.count)
            print(f"{name}: {each // 1000} thousand instructions each, client included", flush=True)


def on_this_thread() -> None:
    """Have all that the hub hands to other threads done here, and lift bounds that only a bench reaches."""
    replaced(listener, peer_of=lambda _connection: ME)
    replaced(agents, REQUESTS_PER_S=float(UNBOUNDED), REQUESTS_BURST=UNBOUNDED)
    replaced(live, RATE_PER_S=float(UNBOUNDED), RATE_BURST=UNBOUNDED)
    replaced(scope, MESSAGES_OF_A_TASK_MAX=UNBOUNDED)
    Workers.add_task = lambda _workers, task: todo.append(task)  # type: ignore[method-assign,assignment]
    DiskStore.write = at_once  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    main()
