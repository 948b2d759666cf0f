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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agentctl.client import Hub  # noqa: E402
from agentctl.errors import AgentctlError  # noqa: E402
from agentctl.model.digest import plain, spec_hash  # noqa: E402
from agentctl.model.fleet import Monitoring  # noqa: E402
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


@contextmanager
def served(agents: int) -> Iterator[Served]:
    """Serve a new state with so many living agents; all of it is gone after."""
    with tempfile.TemporaryDirectory(prefix="actl-cap-") as scratch:
        paths = StatePaths(Path(scratch))
        with (Path(scratch) / "hub.log").open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "bench.one_hub", scratch], cwd=ROOT, stdout=log, stderr=log
            )
        try:
            await_ready(paths, child, Path(scratch) / "hub.log")
            apply(paths, replicas=max(agents, 1))
            yield Served(paths=paths, pid=child.pid, svids=living(paths, agents))
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


def apply(paths: StatePaths, *, replicas: int) -> None:
    """Apply a fleet of one agent with that many replicas, that nobody reconciles."""
    desired = fleet(replace(RESEARCHER, replicas=replicas), THINKER)
    watched = Monitoring(lease_s=250.0, reconciler_silent_s=86_400.0)
    document = plain(replace(desired, monitoring=watched))
    body = {"desired": document, "expected": 0, "commit": "", "prune": False}
    Hub(str(paths.operator_socket)).post("/api/hub/generations", body)


def living(paths: StatePaths, count: int) -> tuple[str, ...]:
    """Bring that many instances to life; return their SVIDs, good for five minutes."""
    replicas, found, lock = iter(range(count)), {}, threading.Lock()

    def work() -> None:
        while True:
            with lock:
                replica = next(replicas, None)
            if replica is None:
                return
            found[replica] = one(paths, replica, count)

    threads = [threading.Thread(target=work) for _ in range(min(BINDERS, count))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return tuple(found[at] for at in range(count))


def one(paths: StatePaths, replica: int, replicas: int) -> str:
    """Reserve and bind one instance to this process, and buy its SVID."""
    reconciler = Hub(str(paths.reconciler_socket))
    spec = spec_hash(replace(RESEARCHER, replicas=replicas), PRIVATE)
    place = {"agent": AGENT, "host": RESEARCHER.host, "replica": replica}
    made = reconciler.post("/api/hub/instances", {**place, "spec": spec, "generation": 1})
    here = {"container": container_of(os.getpid(), None)}
    boot = reconciler.post(f"/api/hub/instances/{made['instance']}/bind", here)["boot"]
    sold = Hub(str(paths.hub_socket), token=boot["instance_token"]).post("/api/hub/svid", {})
    return str(sold["svid"])


def main() -> None:
    """Be the child: `agentctl hub` with a larger share for the one process that is all agents."""
    import signal

    from agentctl.bootstrap import AGENT_CONNECTIONS_MAX, run_hub
    from agentctl.web import servers

    servers.PEER_CONNECTIONS_MAX = AGENT_CONNECTIONS_MAX
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_hub(StatePaths(Path(sys.argv[1])), host="127.0.0.1", port=0, stop=stop)


if __name__ == "__main__":
    main()
