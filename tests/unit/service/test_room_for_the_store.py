"""A failing store gives the ballast up and degrades; it is held again before degraded is left."""

from pathlib import Path

import pytest

from agentctl.errors import Degraded, StoreUnavailable
from agentctl.model.mode import Mode, ModeName
from agentctl.model.task import NewTask
from agentctl.monitor.degrade import QUIET_S
from agentctl.service import modes, room
from agentctl.service.submit import submit
from agentctl.store import journal
from agentctl.store.ballast import BYTES, FREE_MIN, Ballast
from agentctl.store.contract import Figures
from tests.unit.service.conftest import ADMIN, HubAtHand

FAILED = StoreUnavailable("the store can't write: No space left on device")


class Disk(Ballast):
    """A disk whose free bytes a test says."""

    def __init__(self, state: Path, free: int) -> None:
        super().__init__(state)
        self.free = free

    def free_bytes(self) -> int:
        return self.free

    def _make(self, size: int) -> bool:
        self.path.write_bytes(bytes(size))
        return True


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path, free=1 << 30)


def reasons(at: HubAtHand) -> str:
    return " ".join(at.hub.live.causes)


def mode_of(at: HubAtHand) -> Mode:
    modes.refresh(at.hub)
    return at.hub.mode


def test_the_ballast_is_a_share_of_what_is_free_and_no_more_than_its_bound(tmp_path: Path) -> None:
    for free, held in ((1 << 30, BYTES), (4 << 20, 1 << 20), (FREE_MIN, None)):
        disk = Disk(tmp_path, free=free)
        assert disk.hold() is (held is not None)
        assert (disk.path.stat().st_size if disk.held() else None) == held
        disk.give_up()


def test_a_failed_commit_gives_the_ballast_up_and_degrades_at_once(
    at_hand: HubAtHand, disk: Disk
) -> None:
    keeper = room.Room(disk)
    keeper.tick(at_hand.hub)
    assert disk.held()
    keeper.give_up(at_hand.hub, FAILED)
    assert not disk.held()
    assert reasons(at_hand) == "store disk"
    with pytest.raises(Degraded, match="No space left") as refused:
        submit(at_hand.hub, NewTask(prompt="x"), ADMIN)
    assert refused.value.status == 503


def test_degraded_is_left_only_with_the_ballast_held_again(at_hand: HubAtHand, disk: Disk) -> None:
    keeper = room.Room(disk)
    keeper.tick(at_hand.hub)
    keeper.give_up(at_hand.hub, FAILED)
    disk.free = BYTES  # just what was given up: the disk is as full as before
    modes.probe_store(at_hand.hub)
    keeper.tick(at_hand.hub)
    assert reasons(at_hand) == "disk"
    disk.free = 2 * BYTES
    keeper.tick(at_hand.hub)
    assert disk.held()
    assert mode_of(at_hand).name is ModeName.DEGRADED
    at_hand.clock.advance(QUIET_S + 1)
    assert mode_of(at_hand).name is ModeName.NORMAL


def test_what_could_not_be_journaled_is_journaled_when_the_store_writes_again(
    at_hand: HubAtHand, disk: Disk
) -> None:
    keeper = room.Room(disk)
    keeper.give_up(at_hand.hub, FAILED)
    keeper.tick(at_hand.hub)
    modes.probe_store(at_hand.hub)
    keeper.tick(at_hand.hub)
    keeper.tick(at_hand.hub)
    with at_hand.hub.store.read() as txn:
        failed = [each.entry for each in journal.read(txn) if each.entry.kind == "store.failed"]
    assert [each.facts["reason"] for each in failed] == [FAILED.detail]


def test_a_disk_that_is_full_at_the_start_gets_its_ballast_back_as_room(
    at_hand: HubAtHand, disk: Disk
) -> None:
    assert disk.hold()
    disk.free = FREE_MIN - 1
    assert disk.make_way()
    assert not disk.held()
    keeper = room.Room(disk)
    keeper.tick(at_hand.hub)
    assert reasons(at_hand) == "disk"


def test_the_soft_quota_degrades_while_records_take_more_than_their_share(
    at_hand: HubAtHand, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = room.Room(disk)
    for held, expected in ((74, ""), (76, "quota"), (74, "")):
        figures = Figures(held_bytes=held << 20, map_bytes=100 << 20)
        monkeypatch.setattr(at_hand.hub.store, "figures", lambda figures=figures: figures)
        keeper.tick(at_hand.hub)
        assert reasons(at_hand) == expected
