"""Figures of recovery: from the start of `agentctl hub` to ready, after kill -9, against the tasks in flight.

Run: .venv/bin/python bench/recovery.py. Beside it stand the start of an empty hub in the same run,
what one tick of the hub's watch costs with so many tasks, and how long they wait in the queue for
nothing: `in flight` are running, `waiting` are queued without a deadline.
"""

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agentctl.bootstrap import open_hub  # noqa: E402
from agentctl.errors import AgentctlError  # noqa: E402
from agentctl.model.digest import plain, spec_hash  # noqa: E402
from agentctl.model.fleet import Monitoring  # noqa: E402
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Role  # noqa: E402
from agentctl.model.task import NewTask  # noqa: E402
from agentctl.service import generations, instances, watch  # noqa: E402
from agentctl.service import poll as polling  # noqa: E402
from agentctl.service.context import Hub  # noqa: E402
from agentctl.service.poll import poll  # noqa: E402
from agentctl.service.report import report  # noqa: E402
from agentctl.service.submit import submit  # noqa: E402
from agentctl.store import Store  # noqa: E402
from tests.fakes.fleet import RESEARCHER, THINKER, fleet  # noqa: E402
from tests.fakes.hub_process import HubProcess, hub_process  # noqa: E402

ADMIN = OperatorPrincipal(name="bench", role=Role.ADMIN)
EACH = 100  # tasks that one instance holds
READY_AIM_S = 3.0


def filled(process: HubProcess, in_flight: int, waiting: int) -> float:
    """Fill a new state through the service layer; return the milliseconds of one tick with it."""
    process.paths.prepare()
    store = Store.open(process.paths.store, sync=False)
    hub = open_hub(process.paths, store)
    replicas = max(1, in_flight // EACH)
    desired = fleet(replace(RESEARCHER, replicas=replicas), THINKER)
    desired = replace(desired, monitoring=Monitoring(lease_s=250.0, reconciler_silent_s=86_400.0))
    generations.apply(hub, ADMIN, desired=plain(desired), expected=0, commit="", prune=False)
    for number in range(in_flight):
        submit(hub, NewTask(prompt=f"do {number}", agent="researcher"), ADMIN)
    for replica in range(replicas):
        _busy(hub, replica)
    for number in range(waiting):
        submit(hub, NewTask(prompt=f"wait {number}", agent="researcher"), ADMIN)
    ticks = []
    for _ in range(5):
        began = time.perf_counter()
        watch.tick(hub)
        ticks.append((time.perf_counter() - began) * 1000)
    store.close()
    return statistics.median(ticks)


def _busy(hub: Hub, replica: int) -> None:
    """Bring one instance to life, and let it begin EACH tasks."""
    assert hub.fleet is not None
    desired = hub.fleet.generation.desired
    spec = hub.fleet.agents["researcher"]
    provider = desired.provider(spec.provider)
    assert provider is not None
    place = {"agent": spec.name, "host": spec.host, "replica": replica}
    body = {**place, "spec": spec_hash(spec, provider), "generation": 1}
    instance = instances.reserve(hub, body)["instance"]
    instances.bind(hub, instance, f"container-{replica}")
    who = AgentPrincipal(fleet=desired.fleet, agent=spec.name, instance=instance)
    polling.SLOTS = EACH  # type: ignore[attr-defined]  # fewer containers than tasks: it is the tasks that count
    for each in poll(hub, who, slots=EACH, holds=(), wait_s=0.0, gone=lambda: False):
        report(
            hub,
            who,
            {
                "id": f"a-{each['task'][-20:]}",
                "type": "task.accepted",
                "task": each["task"],
                "attempt": 1,
                "payload": {},
            },
        )


def recoveries(process: HubProcess, runs: int) -> list[float]:
    """Kill the hub and start it again; return the seconds each took from its start to ready."""
    found = []
    for run in range(runs + 1):
        began = time.perf_counter()
        process.execute()
        while not _ready(process):
            time.sleep(0.005)
        if run:  # the first start follows a clean end
            found.append(time.perf_counter() - began)
        process.kill()
    return found


def _ready(process: HubProcess) -> bool:
    try:
        return bool(process.operator.get("/readyz"))
    except AgentctlError:
        assert not process.dead(), process.log()[-2000:]
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="*", default=[0, 1000, 5000, 10_000])
    parser.add_argument("--waiting", type=int, default=0)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    for tasks in chosen.tasks:
        with hub_process() as process:
            tick_ms = filled(process, tasks, chosen.waiting)
            took = recoveries(process, chosen.runs)
        worst = max(took)
        print(
            f"{tasks:6} in flight, {chosen.waiting:6} waiting: ready after kill -9 in "
            f"{statistics.median(took):.2f} s (worst {worst:.2f} s, "
            f"aim {READY_AIM_S:.0f} s {'met' if worst <= READY_AIM_S else 'MISSED'}), "
            f"one tick {tick_ms:.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
