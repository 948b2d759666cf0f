"""A rotation holds as a whole or not at all: in memory, in the files, in the journal, after a restart."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentctl import failpoints
from agentctl.errors import AgentctlError, Unauthenticated, Unavailable
from agentctl.identity import Signer, keyfile
from agentctl.identity.signer import RETIRED_AFTER_S
from agentctl.model.mode import ModeName
from agentctl.model.principal import Peer
from agentctl.service import authenticate, keys, modes
from agentctl.store import journal
from tests.unit.service.conftest import ADMIN, HubAtHand

PATIENCE_S = 5.0  # a rotation takes milliseconds: longer is a lock that is never given back


@pytest.fixture
def watched(at_hand: HubAtHand) -> HubAtHand:
    """A hub that degrades by a failing write, as the one that serves does."""
    hub = at_hand.hub
    hub.store.on_write_failure = lambda why: modes.cause(hub, modes.STORE, why.detail)
    return at_hand


@pytest.fixture
def full_disk() -> Iterator[None]:
    with failpoints.armed("store.commit.before=error"):
        yield


def within_time(act: Callable[[], object]) -> AgentctlError | None:
    """Do it in a thread; return the error it ended with. A hang fails the test instead of hanging it."""
    ended: list[AgentctlError | None] = []

    def run() -> None:
        try:
            act()
            ended.append(None)
        except AgentctlError as why:
            ended.append(why)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert ended, "it hangs"
    return ended[0]


def folder(at: HubAtHand, tmp_path: Path) -> list[str]:
    return sorted(each.name for each in (tmp_path / "keys").iterdir() if each.suffix == ".pem")


def rotations(at: HubAtHand) -> list[str]:
    with at.hub.store.read() as txn:
        return [
            each.entry.subject for each in journal.read(txn) if each.entry.kind == "key.rotated"
        ]


def test_a_rotation_that_cannot_be_written_is_none(
    watched: HubAtHand, tmp_path: Path, full_disk: None
) -> None:
    before, files = watched.hub.signer.kid, folder(watched, tmp_path)
    why = within_time(lambda: keys.rotate(watched.hub, ADMIN))
    assert isinstance(why, Unavailable)
    assert watched.hub.mode.name is ModeName.DEGRADED
    assert watched.hub.signer.kid == before
    assert folder(watched, tmp_path) == files
    assert Signer.open(tmp_path / "keys").kid == before
    assert rotations(watched) == []


def test_a_hub_whose_rotation_failed_goes_on_and_can_rotate_later(
    watched: HubAtHand, tmp_path: Path
) -> None:
    agent = watched.born("researcher")
    with failpoints.armed("store.commit.before=error"):
        assert isinstance(within_time(lambda: keys.rotate(watched.hub, ADMIN)), Unavailable)
    modes.probe_store(watched.hub)
    watched.clock.advance(60.0)
    modes.refresh(watched.hub)
    assert watched.hub.mode.name is ModeName.NORMAL
    before = watched.hub.signer.kid
    assert within_time(lambda: keys.rotate(watched.hub, ADMIN)) is None
    assert watched.hub.signer.kid != before
    assert rotations(watched) == [watched.hub.signer.kid]
    again = Signer.open(tmp_path / "keys", recorded=keys.recorded(watched.hub.store))
    assert again.kid == watched.hub.signer.kid
    assert agent.agent == "researcher"


def test_a_key_that_has_no_room_is_said_to_have_none(
    watched: HubAtHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = watched.hub.signer.kid

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keyfile, "create", full)
    with pytest.raises(Unavailable, match="no key can be written"):
        keys.rotate(watched.hub, ADMIN)
    assert watched.hub.signer.kid == before
    assert rotations(watched) == []


def test_a_retirement_that_cannot_be_written_waits(watched: HubAtHand, tmp_path: Path) -> None:
    old = watched.hub.signer.kid
    keys.rotate(watched.hub, ADMIN)
    watched.clock.advance(RETIRED_AFTER_S)
    with failpoints.armed("store.commit.before=error"):
        why = within_time(lambda: keys.retire(watched.hub))
        assert isinstance(why, Unavailable)
        assert old in watched.hub.signer.public_keys()
        keys.retire(watched.hub)  # degraded: it isn't even tried
    modes.cause(watched.hub, modes.STORE, "")
    keys.retire(watched.hub)
    assert set(watched.hub.signer.public_keys()) == {watched.hub.signer.kid}
    assert not (tmp_path / "keys" / f"svid-{old}.pem").exists()


def test_a_key_that_the_files_brought_is_put_on_record(watched: HubAtHand, tmp_path: Path) -> None:
    keys.record_opened(watched.hub)
    assert keys.recorded(watched.hub.store) == watched.hub.signer.kid
    assert rotations(watched) == []
    for path in (tmp_path / "keys").glob("svid-*.pem"):
        path.unlink()
    watched.hub.signer = Signer.open(
        tmp_path / "keys", recorded=keys.recorded(watched.hub.store), now_s=1.0
    )
    keys.record_opened(watched.hub)
    assert rotations(watched) == [watched.hub.signer.kid]
    assert keys.recorded(watched.hub.store) == watched.hub.signer.kid


def test_a_retired_keys_svids_are_worth_nothing(watched: HubAtHand) -> None:
    who = watched.born("researcher")
    peer = Peer(container=f"container-researcher-0-{who.instance[-4:]}")
    old = watched.hub.signer
    keys.rotate(watched.hub, ADMIN)
    watched.clock.advance(RETIRED_AFTER_S)

    def by_the_old_key() -> str:  # as if it had leaked
        return old.issue(
            spiffe_id=who.spiffe_id,
            audience=authenticate.AUDIENCE,
            provider="ollama",
            boundary="private",
            now_s=watched.clock.wall_s(),
        )[0]

    assert authenticate.agent(watched.hub, by_the_old_key(), peer) == who
    watched.clock.advance(1.0)
    keys.retire(watched.hub)
    with pytest.raises(Unauthenticated, match="none of this hub's"):
        authenticate.agent(watched.hub, by_the_old_key(), peer)
