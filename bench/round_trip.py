"""Figures of the whole line: submit → result with an executor of `true`, submits/s, idle cost, start-up.

Run: .venv/bin/python bench/round_trip.py. Everything is on this machine and ends with the script.
Submits stand beside the machine's own fdatasync rate, measured in the same run.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agentctl.client import Hub  # noqa: E402
from agentctl.paths import StatePaths  # noqa: E402

PROVIDERS = """
providers:
  local-model: {kind: ollama, base_url: "http://127.0.0.1:9", model: none, boundary: private}
"""
ROUTING = """
levels: [public, internal, confidential, restricted]
default: confidential
boundaries: {public: internal, private: restricted}
"""
ACCESS = """
rules:
  - {name: operators dispatch, allow: task.submit, from: "operator:*", to: "agent:*"}
"""


def project(folder: Path, agents: int, replicas: int) -> Path:
    (folder / "playbooks").mkdir(parents=True)
    (folder / "policies").mkdir()
    (folder / "inventory.yaml").write_text(
        "all:\n  vars: {fleet: bench}\n  hosts:\n    here: {engine_url: 'process:', isolation: none}\n"
    )
    for name, text in (("providers", PROVIDERS), ("routing", ROUTING), ("access", ACCESS)):
        (folder / "policies" / f"{name}.yaml").write_text(text)
    declared = "".join(
        f"    - {{name: w{at}, image: none, replicas: {replicas}, provider: local-model,"
        f" clearance: restricted, executor: {{kind: command, argv: ['true']}}}}\n"
        for at in range(agents)
    )
    (folder / "playbooks" / "fleet.yaml").write_text(
        f"- name: bench\n  hosts: all\n  agents:\n{declared}"
    )
    return folder


@contextmanager
def served(folder: Path) -> Iterator[tuple[Hub, Path, int]]:
    """Serve a project from a temporary state; yields a client, the state and the supervisor's pid."""
    state = folder / "state"
    command = [sys.executable, "-m", "agentctl", "--project", str(folder), "--state", str(state)]
    serve = subprocess.Popen(
        [*command, "serve", "--listen", "127.0.0.1:0"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        hub = Hub(str(StatePaths(state).operator_socket))
        wait(lambda: bool(hub.get("/healthz")) or True)
        subprocess.run(
            [*command, "apply", "--yes"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        yield hub, state, serve.pid
    finally:
        serve.terminate()
        serve.wait(30)
        for record in (state / "process").glob("*/*/record.json"):
            found = re.search(r'"pid":\s*(\d+)', record.read_text())
            if found:
                try:
                    os.killpg(int(found[1]), 15)
                except ProcessLookupError:
                    continue


def wait(done, *, timeout_s: float = 60.0):  # type: ignore[no-untyped-def]
    from agentctl.errors import AgentctlError

    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            found = done()
        except AgentctlError:
            found = None
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError("not in time")


def fdatasync_rate(folder: Path, seconds: float = 2.0) -> float:
    """Return 4 KiB appends with fdatasync per second from one thread, on the state's own disk."""
    block, count = os.urandom(4096), 0
    with (folder / "sync.bin").open("wb", buffering=0) as file:
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            file.write(block)
            os.fdatasync(file.fileno())
            count += 1
    return count / seconds


def round_trips(hub: Hub, count: int) -> list[float]:
    """Return the milliseconds from submit to the result being there, one task after the other."""
    found = []
    for _ in range(count):
        began = time.perf_counter()
        task = hub.post("/api/hub/tasks", {"prompt": "true", "agent": "w0"})["id"]
        while hub.get(f"/api/hub/tasks/{task}")["state"] not in ("completed", "failed", "dead"):
            time.sleep(0.001)
        found.append((time.perf_counter() - began) * 1000)
    return found


def submits(target: str, clients: int, seconds: float = 3.0) -> float:
    """Return durable submits acknowledged per second by `clients` threads."""
    counts = [0] * clients
    stop = time.perf_counter() + seconds

    def work(at: int) -> None:
        hub = Hub(target)
        while time.perf_counter() < stop:
            hub.post("/api/hub/tasks", {"prompt": "x", "agent": "w1"})
            counts[at] += 1

    threads = [threading.Thread(target=work, args=(at,)) for at in range(clients)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(counts) / seconds


def cpu_and_memory(pid: int, seconds: float) -> tuple[float, float]:
    """Return the percent of one core and the MiB (PSS) of serve and its three processes while idle."""
    pids = [
        pid,
        *map(
            int,
            subprocess.run(
                ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
            ).stdout.split(),
        ),
    ]

    def ticks() -> int:
        return sum(
            sum(map(int, Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
            for each in pids
        )

    before = ticks()
    time.sleep(seconds)
    used = (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds * 100
    pss = sum(_pss_kib(each) for each in pids)
    return used, pss / 1024


def _pss_kib(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


def startup(arguments: list[str], runs: int = 7) -> float:
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "agentctl", *arguments],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trips", type=int, default=200)
    parser.add_argument("--idle-agents", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="actl-bench-") as scratch:
        with served(project(Path(scratch) / "a", agents=2, replicas=1)) as (hub, state, _):
            wait(lambda: all(each["running"] for each in hub.get("/api/hub/agents")["agents"]))
            round_trips(hub, 10)
            trips = sorted(round_trips(hub, chosen.trips))
            print(
                f"round trip submit → result, command `true`: p50 {statistics.median(trips):.1f} ms, "
                f"p99 {trips[int(len(trips) * 0.99) - 1]:.1f} ms ({chosen.trips} runs)"
            )
            target = str(StatePaths(state).operator_socket)
            sync = fdatasync_rate(Path(scratch))
            for clients in (1, 16):
                rate = submits(target, clients)
                print(
                    f"durable submits, {clients:2} clients: {rate:6.0f}/s = {rate / sync:.2f} × "
                    f"this disk's {sync:.0f} fdatasync/s"
                )
        many = project(Path(scratch) / "b", agents=1, replicas=chosen.idle_agents)
        with served(many) as (hub, _, pid):
            wait(lambda: hub.get("/api/hub/agents")["agents"][0]["running"] >= chosen.idle_agents)
            used, memory = cpu_and_memory(pid, 10.0)
            print(
                f"idle `serve` with {chosen.idle_agents} agents: {used:.1f} % of a core, {memory:.0f} MiB"
            )
        thousand = project(Path(scratch) / "c", agents=1000, replicas=1)
        plan = startup(["--project", str(thousand), "--state", f"{scratch}/none", "plan"], runs=3)
        print(f"plan of 1,000 declared agents, whole process: {plan:.0f} ms")
        bare = statistics.median(_bare() for _ in range(7))
        print(f"agentctl --help: {startup(['--help']):.0f} ms (bare Python: {bare:.0f} ms)")


def _bare() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
