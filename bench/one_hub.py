"""A hub of its own in a child process, with a fleet of simulated agents whose container is this process.

The kernel ties an identity to the process that connects: every instance is bound to this one, which
holds all of the connections. So this hub differs from `agentctl hub` in one bound alone: how many
connections one container may have.

`python -m bench.one_hub STATE` is the child.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agentctl.client import Hub  # noqa: E402
from agentctl.errors import AgentctlError  # noqa: E402
from agentctl.model.digest import plain, spec_hash  # noqa: E402
from agentctl.model.fleet import AgentSpec, DesiredState, Monitoring  # noqa: E402
from agentctl.paths import StatePaths  # noqa: E402
from agentctl.web.peer import container_of  # noqa: E402
from tests.fakes.fleet import PRIVATE, RESEARCHER, THINKER, fleet  # noqa: E402

AGENT = RESEARCHER.name
READY_S_MAX = 30.0
BINDERS = 8  # threads that bring instances to life: their commits share an fsync


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running hub: where it is, its process, and an SVID for each simulated agent."""

    paths: StatePaths
    pid: int
    svids: tuple[str, ...]

    def cpu_s(self) -> float:
        """Return the CPU seconds that the hub has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Return the hub's own memory (PSS), in MiB."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(rollup.split("\nPss:")[1].split()[0]) / 1024

    def threads(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.pid}/task").iterdir())


CHILD = (sys.executable, "-m", "bench.one_hub")


@contextmanager
def served(agents: int) -> Iterator[Served]:
    """Serve a new state with so many living containers of one agent; all of it is gone after."""
    spec = replace(RESEARCHER, replicas=max(agents, 1))
    places = [(spec, replica) for replica in range(agents)]
    with serving(fleet(spec, THINKER), places) as hub:
        yield hub


@contextmanager
def serving(
    desired: DesiredState, places: "Sequence[Place]", *, child_argv: Sequence[str] = CHILD
) -> Iterator[Served]:
    """Serve a new state with a fleet and these containers of it; `child_argv` is followed by the state."""
    with tempfile.TemporaryDirectory(prefix="actl-cap-") as scratch:
        paths = StatePaths(Path(scratch))
        with (Path(scratch) / "hub.log").open("wb") as log:
            child = subprocess.Popen([*child_argv, scratch], cwd=ROOT, stdout=log, stderr=log)
        try:
            await_ready(paths, child, Path(scratch) / "hub.log")
            apply(paths, desired)
            yield Served(paths=paths, pid=child.pid, svids=living(paths, places))
        finally:
            child.terminate()
            child.wait(30)
            rmtree(paths.runtime, ignore_errors=True)


def await_ready(paths: StatePaths, child: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline:
        try:
            Hub(str(paths.operator_socket)).get("/healthz")
            return
        except AgentctlError:
            assert child.poll() is None, log.read_text()[-2000:]
            time.sleep(0.02)
    raise TimeoutError(log.read_text()[-2000:])


def apply(paths: StatePaths, desired: DesiredState) -> None:
    """Apply a fleet that nobody reconciles."""
    Hub(str(paths.operator_socket)).post("/api/hub/generations", desired_body(desired))


def desired_body(desired: DesiredState) -> dict[str, Any]:
    """Return a first apply of a fleet that nobody reconciles, as it is posted."""
    watched = Monitoring(lease_s=250.0, reconciler_silent_s=86_400.0)
    document = plain(replace(desired, monitoring=watched))
    return {"desired": document, "expected": 0, "commit": "", "prune": False}


Place = tuple[AgentSpec, int]  # an agent and the number of one of its replicas


def living(paths: StatePaths, places: Sequence[Place]) -> tuple[str, ...]:
    """Bring an instance to life in each place; return their SVIDs, good for five minutes."""
    numbers, found, lock = iter(range(len(places))), {}, threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            found[number] = one(paths, *places[number])

    threads = [threading.Thread(target=work) for _ in range(min(BINDERS, len(places)))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return tuple(found[at] for at in range(len(places)))


def one(paths: StatePaths, agent: AgentSpec, replica: int) -> str:
    """Reserve and bind one instance to this process, and buy its SVID."""
    reconciler = Hub(str(paths.reconciler_socket))
    spec = spec_hash(agent, PRIVATE)
    place = {"agent": agent.name, "host": agent.host, "replica": replica}
    made = reconciler.post("/api/hub/instances", {**place, "spec": spec, "generation": 1})
    here = {"container": container_of(os.getpid(), None)}
    boot = reconciler.post(f"/api/hub/instances/{made['instance']}/bind", here)["boot"]
    sold = Hub(str(paths.hub_socket), token=boot["instance_token"]).post("/api/hub/svid", {})
    return str(sold["svid"])


def be_the_hub(state: Path) -> None:
    """Serve `agentctl hub` with a larger share for the one process that is all agents, until told to stop."""
    import signal

    from agentctl.bootstrap import AGENT_CONNECTIONS_MAX, run_hub
    from agentctl.supervise.signals import told
    from agentctl.web import servers

    servers.PEER_CONNECTIONS_MAX = AGENT_CONNECTIONS_MAX
    stop = threading.Event()
    with told({signal.SIGTERM: stop.set, signal.SIGINT: stop.set}):
        run_hub(StatePaths(state), host="127.0.0.1", port=0, stop=stop)


if __name__ == "__main__":
    be_the_hub(Path(sys.argv[1]))
