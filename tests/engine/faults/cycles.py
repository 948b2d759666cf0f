"""Kill cycles: a hub under load, killed again and again; what was answered is then held against its state.

Also the long form: `script/kill-cycles --cycles 10000`.
"""

import argparse
import random
import sys
import time
from dataclasses import dataclass, replace

from agentctl.model.fleet import DesiredState, Monitoring
from tests.fakes import fleet_load
from tests.fakes.after_kills import wrongs
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.fakes.fleet_load import Load
from tests.fakes.hub_process import HubProcess, hub_process

ALIVE_S_MAX = 0.12  # from ready to the kill; some kills come before a hub is ready
DRAIN_S_MAX = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a run of cycles came to."""

    cycles: int
    acknowledged: int
    settled: int
    repeats: int
    stale_refused: int
    seconds: float
    wrong: tuple[str, ...]


def workers(replicas: int) -> DesiredState:
    worker = replace(RESEARCHER, name="worker", replicas=replicas)
    desired = fleet(worker, THINKER)
    return replace(
        desired, monitoring=Monitoring(lease_s=6.0, heartbeat_s=1.0, reconciler_silent_s=86_400.0)
    )


def prepared(hub: HubProcess, replicas: int) -> list[tuple[str, str]]:
    """Start, apply and bring the agents to life; the hub is running after."""
    hub.start()
    desired = workers(replicas)
    fleet_load.apply(hub.paths, desired)
    return [fleet_load.born(hub.paths, desired, "worker", each) for each in range(replicas)]


def run(
    cycles: int,
    *,
    seed: int = 20261122,
    failpoints: str = "",
    breakage: str = "",
    executed: bool = False,
) -> Tally:
    """Kill a hub so many times under load, let the rest of the work end, and check.

    With `failpoints` the hub dies where they say; else at random instants, its start included.
    `executed` starts `agentctl hub` itself each time.
    """
    began, chance = time.monotonic(), random.Random(seed)
    with hub_process() as hub:
        agents = prepared(hub, replicas=3)
        load = Load(hub.paths, seed=seed)
        hub.stop()
        load.begin(operators=3, agents=agents)
        for _ in range(cycles):
            if executed:
                hub.execute(failpoints=failpoints)
            else:
                hub.bear(failpoints=failpoints, breakage=breakage)
            _kill_at_some_time(hub, chance, failpoints)
        hub.start(breakage=breakage)
        load.end_submitting()
        stuck = _drained(hub)
        load.end()
        hub.stop()
        found = [*wrongs(hub.paths, load.heard), *stuck, *hub.crashes()]
    heard = load.heard
    return Tally(
        cycles=cycles,
        acknowledged=len(heard.acknowledged),
        settled=len(heard.settled),
        repeats=heard.repeats,
        stale_refused=heard.stale_refused,
        seconds=time.monotonic() - began,
        wrong=tuple(found),
    )


def _kill_at_some_time(hub: HubProcess, chance: random.Random, failpoints: str) -> None:
    if "kill" in failpoints:
        assert hub.dead(20.0), f"{failpoints} never happened"
        return
    if chance.random() < 0.9:
        hub.await_ready()
    hub.dead(chance.random() * ALIVE_S_MAX)
    hub.kill()


def _drained(hub: HubProcess) -> list[str]:
    """Wait until nothing is queued or held by anybody; return what still is when time is up."""
    deadline, left = time.monotonic() + DRAIN_S_MAX, {"": 1}
    while left and time.monotonic() < deadline:
        counts = hub.operator.get("/api/hub/status")["tasks"]
        left = {
            name: counts[name] for name in ("held", "queued", "leased", "running") if counts[name]
        }
        hub.dead(0.05)
    return [f"still there: {left}"] if left else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--executed", action="store_true", help="an interpreter of its own per hub")
    chosen = parser.parse_args()
    tally = run(chosen.cycles, seed=chosen.seed, executed=chosen.executed)
    sys.stdout.write(f"{tally}\n")
    sys.exit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
