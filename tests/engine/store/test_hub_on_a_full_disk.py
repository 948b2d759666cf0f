"""A whole hub whose disk fills: nothing acknowledged without a commit, the journal goes on, it comes back."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl.bootstrap import keep_state, open_hub
from agentctl.errors import AgentctlError, Unavailable
from agentctl.model.digest import plain
from agentctl.model.mode import ModeName
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.model.task import NewTask, TaskState
from agentctl.monitor.degrade import QUIET_S
from agentctl.paths import StatePaths
from agentctl.service import generations, modes, watch
from agentctl.service.context import Hub
from agentctl.service.submit import submit
from agentctl.service.upkeep import Upkeep
from agentctl.store import Store, inspection, journal, tasks
from agentctl.store.ballast import Ballast
from tests.fakes.clock import ManualClock
from tests.fakes.fleet import fleet

ADMIN = OperatorPrincipal(name="uid:0", role=Role.ADMIN)


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[StatePaths]:
    """A state directory on a file system of 3 MiB of its own; needs root."""
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(mount)], check=True)
    found = StatePaths(mount / "state")
    for each in (found.state, found.store, found.keys):
        each.mkdir(mode=0o700)
    yield found
    subprocess.run(["umount", "-l", str(mount)], check=True)  # though a failed test holds it open


class Kept:
    """A hub on that disk, with a clock that is moved by hand."""

    def __init__(self, paths: StatePaths) -> None:
        self.filler = paths.state.parent / "filler"
        ballast = Ballast(paths.state)
        ballast.make_way()
        self.ballast = ballast
        self.hub: Hub = open_hub(paths, Store.open(paths.store))
        self.clock = ManualClock()
        self.hub.clock = self.clock
        self.upkeep: Upkeep = keep_state(self.hub, ballast)

    def tick(self, seconds: float = 1.0) -> None:
        self.clock.advance(seconds)
        self.hub.live.reconciler_seen_s = self.clock.boot_s()  # it is well: the disk is the matter
        with contextlib.suppress(Unavailable):
            watch.tick(self.hub)
        self.upkeep.tick()

    def fill(self) -> None:
        """Take what is left of the disk, as another program's logs would."""
        with contextlib.suppress(OSError), self.filler.open("ab", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))

    def submit_until_refused(self) -> tuple[list[str], AgentctlError]:
        acknowledged: list[str] = []
        while len(acknowledged) < 5_000:
            try:
                task, _ = submit(self.hub, NewTask(prompt="words " * 300), ADMIN)
            except Unavailable as refused:
                return acknowledged, refused
            acknowledged.append(task.id)
        raise AssertionError("the disk never filled")

    def mode(self) -> ModeName:
        return self.hub.mode.name

    def kinds(self) -> list[str]:
        with self.hub.store.read() as txn:
            newest = journal.head(txn).seq
            return [each.entry.kind for each in journal.read(txn, max(newest - 20, 0))]

    def all_there(self, acknowledged: list[str]) -> bool:
        """Whether exactly these tasks are kept, each with its journal line, and nothing else is wrong."""
        with self.hub.store.read() as txn:
            lines = [each.entry for each in journal.read(txn)]
            submitted = [each.subject for each in lines if each.kind == "task.submitted"]
            if submitted != acknowledged:
                return False
            kept = set(tasks.in_state(txn, TaskState.QUEUED))
            return kept == set(acknowledged) and inspection.faults(txn) == []


@pytest.mark.engine
def test_a_full_disk_degrades_refuses_with_503_and_is_left_when_there_is_room(
    paths: StatePaths,
) -> None:
    at = Kept(paths)
    generations.apply(at.hub, ADMIN, desired=plain(fleet()), expected=0, commit="c", prune=False)
    assert at.ballast.held()
    at.fill()
    acknowledged, refused = at.submit_until_refused()
    assert refused.status == 503
    assert not at.ballast.held()
    assert at.mode() is ModeName.DEGRADED
    assert at.submit_until_refused()[0] == []  # by the mode, before the disk is asked again
    assert at.all_there(acknowledged)

    at.tick()  # the room that the ballast held lets the journal go on
    assert modes.STORE not in at.hub.live.causes
    assert at.kinds()[-1] == "store.failed"
    for _ in range(40):
        at.tick()
    assert at.mode() is ModeName.DEGRADED
    assert "make room" in at.hub.mode.reason

    at.filler.unlink()
    at.tick()
    assert at.ballast.held()
    at.tick(QUIET_S + 1)
    assert at.mode() is ModeName.NORMAL
    acknowledged.append(submit(at.hub, NewTask(prompt="again"), ADMIN)[0].id)
    assert at.all_there(acknowledged)
    at.upkeep.close()
    at.hub.store.close()


@pytest.mark.engine
def test_a_hub_that_finds_its_disk_full_starts_degraded_on_the_ballasts_room(
    paths: StatePaths,
) -> None:
    before = Kept(paths)
    generations.apply(
        before.hub, ADMIN, desired=plain(fleet()), expected=0, commit="c", prune=False
    )
    acknowledged = [submit(before.hub, NewTask(prompt="kept"), ADMIN)[0].id]
    before.hub.store.close()
    before.fill()

    at = Kept(paths)
    at.tick()
    assert at.mode() is ModeName.DEGRADED
    assert at.all_there(acknowledged)
    at.filler.unlink()
    at.tick()
    at.tick(QUIET_S + 1)
    assert at.mode() is ModeName.NORMAL
    assert at.ballast.held()
    at.hub.store.close()
