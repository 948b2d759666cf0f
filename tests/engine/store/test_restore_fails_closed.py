"""Where nobody can say what came after a backup, a restore takes the worst: losing a file lifts nothing."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentctl.bootstrap import open_hub
from agentctl.errors import Conflict, Unauthenticated
from agentctl.model.digest import plain, spec_hash
from agentctl.model.fleet import AccessRule, AgentSpec, DesiredState, Effect
from agentctl.model.instance import InstanceState
from agentctl.model.mode import ModeName
from agentctl.model.principal import Peer
from agentctl.service import (
    authenticate,
    generations,
    instances,
    modes,
    quarantine,
    reconciling,
    tokens,
    workspaces,
)
from agentctl.service.context import Hub
from agentctl.store import Store, journal, quarantined_agents, worst_case
from agentctl.store import instances as instance_table
from agentctl.store import operator_tokens as token_table
from agentctl.store import workspaces as workspace_table
from agentctl.store.restore import Restored
from agentctl.store.restore import restore as put_back
from tests.engine.store.states import ADMIN, State
from tests.fakes.fleet import OPERATORS_DISPATCH, RESEARCHER, THINKER, fleet

ADMINS_MAY = AccessRule(
    name="admins may", effect=Effect.ALLOW, verb="declassify", principal="role:admin"
)
NEWER = replace(RESEARCHER, name="newer")
HERE = Peer(pid=1, uid=1, container="c-1")


def reservation(hub: Hub, agent: str) -> dict[str, Any]:
    assert hub.fleet is not None
    spec, generation = hub.fleet.agents[agent], hub.fleet.generation
    provider = generation.desired.provider(spec.provider)
    assert provider is not None
    hashed = spec_hash(spec, provider)
    place = {"agent": agent, "host": spec.host, "replica": 0}
    return {**place, "spec": hashed, "generation": generation.number}


def declared(*agents: AgentSpec) -> DesiredState:
    return fleet(*agents, access=(OPERATORS_DISPATCH, ADMINS_MAY))


def cut(data: Path) -> None:
    data.write_bytes(data.read_bytes()[:8192])


def cut_in_the_middle(data: Path) -> None:
    data.write_bytes(data.read_bytes()[:-4096])


def flipped(data: Path) -> None:
    """One bit of the record that says who is set apart: the file's structure stays whole."""
    held = data.read_bytes()
    assert b'"why":"odd"' in held
    data.write_bytes(held.replace(b'"why":"odd"', b'"why":"oee"'))


def flipped_everywhere(data: Path) -> None:
    held = bytearray(data.read_bytes())
    held[::97] = bytes(each ^ 0x55 for each in held[::97])
    data.write_bytes(held)


def emptied(data: Path) -> None:
    data.write_bytes(b"")


def removed(data: Path) -> None:
    data.unlink()


DAMAGES = (cut, cut_in_the_middle, flipped, flipped_everywhere, emptied, removed)


class Lost(State):
    """A state that was backed up; then its thinker was set apart, a token revoked, and the store broke."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "state")
        self.backup = root / "backup"
        hub = self.hub()
        generations.apply(
            hub,
            ADMIN,
            desired=plain(declared(RESEARCHER, THINKER)),
            expected=0,
            commit="c",
            prune=False,
        )
        self.instance = instances.reserve(hub, reservation(hub, "researcher"))["instance"]
        boot = instances.bind(hub, self.instance, "c-1")["boot"]
        self.credential = boot["instance_token"]
        self.token = tokens.create(hub, ADMIN, name="deploy", role="ci", ttl_s=600)
        hub.store.backup(self.backup)
        tokens.revoke(hub, ADMIN, self.token["id"])
        instances.mark(hub, self.instance, InstanceState.RECYCLED.value, "gone")
        quarantine.quarantine(hub, "thinker", ADMIN, why="odd")
        hub.store.close()

    def hub(self) -> Hub:
        return open_hub(self.paths, Store.open(self.paths.store))

    def restored(self, *words: str) -> Hub:
        assert self.run("restore", str(self.backup), "--yes", *words) == 0
        for aside in self.paths.state.glob("store-before-*"):  # named by the second
            aside.rename(aside.with_name(f"kept-{len(list(self.paths.state.iterdir()))}"))
        return self.hub()


@pytest.fixture
def lost(tmp_path: Path) -> Lost:
    return Lost(tmp_path)


def apart(hub: Hub) -> set[str]:
    with hub.store.read() as txn:
        return set(quarantined_agents.names(txn))


def served(hub: Hub) -> dict[str, tuple[str, ...]]:
    with hub.store.read() as txn:
        return {each.agent: each.served for each in workspace_table.all(txn)}


def worth_something(hub: Hub) -> tuple[list[str], list[str]]:
    with hub.store.read() as txn:
        alive = [each.id for each in instance_table.alive(txn)]
        return [each.id for each in token_table.all(txn)], alive


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: each.__name__)
def test_whatever_is_wrong_with_the_replaced_store_nothing_is_lifted(
    lost: Lost, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    damage(lost.paths.store / "data.mdb")
    hub = lost.restored()
    assert hub.mode.name is ModeName.PAUSED
    assert "can't be known" in hub.mode.reason
    assert apart(hub) == {"researcher", "thinker"}
    assert served(hub) == {
        "researcher": (RESEARCHER.clearance, "(anything)"),
        "thinker": ("(anything)",),
    }
    assert worth_something(hub) == ([], [])
    with pytest.raises(Unauthenticated):
        authenticate.svid(hub, lost.credential, HERE)
    with pytest.raises(Conflict, match="quarantined"):
        instances.reserve(hub, reservation(hub, "researcher"))
    with hub.store.read() as txn:
        assert journal.verify(txn) is None
    hub.store.close()
    told = capsys.readouterr().err
    assert "agents quarantined: 2 (`agentctl release AGENT`" in told
    assert "workspaces that count as holding anything: 2 " in told
    assert "operator tokens revoked: 1 (`agentctl token create`" in told
    assert "containers whose credentials ended: 1 " in told
    assert "--forget" in told


def test_each_is_lifted_by_an_act_of_its_own(lost: Lost) -> None:
    cut(lost.paths.store / "data.mdb")
    hub = lost.restored()
    modes.set_mode(hub, ADMIN, mode="normal", reason="looked")
    assert apart(hub) == {"researcher", "thinker"}
    quarantine.release(hub, "researcher", ADMIN, why="looked")
    with pytest.raises(Conflict, match="may hold anything"):
        instances.reserve(hub, reservation(hub, "researcher"))
    seen = {"name": "local", "error": "", "engine": "docker", "containers": []}
    reconciling.observed(hub, {"hosts": [seen]})
    asked = {"replica": 0, "host": "", "to": RESEARCHER.clearance, "why": "read it"}
    workspaces.declassify(hub, ADMIN, "researcher", **asked)  # type: ignore[arg-type]
    assert instances.reserve(hub, reservation(hub, "researcher"))["label"] == RESEARCHER.clearance
    hub.store.close()


def test_what_is_declared_before_the_fleet_is_resumed_counts_as_older(lost: Lost) -> None:
    """It may have been declared, quarantined and raised since the backup: its volumes are there."""
    cut(lost.paths.store / "data.mdb")
    hub = lost.restored()
    apply(hub, RESEARCHER, THINKER, NEWER, expected=1)
    assert apart(hub) == {"newer", "researcher", "thinker"}
    assert served(hub)["newer"] == ("(anything)",)
    quarantine.release(hub, "newer", ADMIN, why="looked")
    more = replace(RESEARCHER, replicas=2)
    apply(hub, more, THINKER, NEWER, expected=2)
    assert apart(hub) == {"researcher", "thinker"}
    with hub.store.read() as txn:
        second = workspace_table.get(txn, "researcher", "local", 1)
    assert second is not None
    assert second.served == ("(anything)",)
    modes.set_mode(hub, ADMIN, mode="normal", reason="looked")
    apply(hub, more, THINKER, NEWER, replace(NEWER, name="newest"), expected=3)
    assert apart(hub) == {"researcher", "thinker"}
    assert "newest" not in served(hub)
    hub.store.close()


def apply(hub: Hub, *agents: AgentSpec, expected: int) -> None:
    desired = plain(declared(*agents))
    generations.apply(hub, ADMIN, desired=desired, expected=expected, commit="c", prune=False)


def test_a_store_of_another_history_knows_nothing_of_what_came_after(
    lost: Lost, tmp_path: Path
) -> None:
    other = State(tmp_path, "other")
    other.with_hub(1)
    data = lost.paths.store / "data.mdb"
    data.write_bytes((other.paths.store / "data.mdb").read_bytes())
    hub = lost.restored()
    assert apart(hub) == {"researcher", "thinker"}
    assert hub.mode.name is ModeName.PAUSED
    hub.store.close()


def test_an_older_branch_of_the_same_history_does_not_either(lost: Lost, tmp_path: Path) -> None:
    """Restored to an older backup first: the line of the newer one isn't in that journal."""
    hub = lost.hub()
    hub.store.backup(tmp_path / "newer")
    quarantine.quarantine(hub, "researcher", ADMIN, why="odd, too")
    hub.store.close()
    lost.restored().store.close()
    lost.backup = tmp_path / "newer"
    hub = lost.restored()
    assert apart(hub) == {"researcher", "thinker"}
    hub.store.close()


def test_a_store_that_can_be_read_brings_back_no_token_and_no_container(lost: Lost) -> None:
    hub = lost.hub()
    modes.set_mode(hub, ADMIN, mode="panic", reason="stop")
    hub.store.close()
    hub = lost.restored()
    assert apart(hub) == {"thinker"}
    assert served(hub) == {"researcher": (RESEARCHER.clearance,)}
    assert worth_something(hub) == ([], [])
    assert hub.mode.name is ModeName.PANIC
    hub.store.close()


@pytest.mark.parametrize("damage", [None, cut])
def test_the_operator_who_knows_better_says_so(
    lost: Lost, damage: Callable[[Path], None] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if damage:
        damage(lost.paths.store / "data.mdb")
    hub = lost.restored("--forget", "all")
    assert apart(hub) == set()
    assert served(hub) == {"researcher": (RESEARCHER.clearance,)}
    assert worth_something(hub) == ([lost.token["id"]], [lost.instance])
    assert hub.mode.name is ModeName.NORMAL
    assert "forgotten" in newest(hub)
    hub.store.close()


def newest(hub: Hub) -> dict[str, str]:
    with hub.store.read() as txn:
        lines = journal.read(txn)
    return next(each.entry.facts for each in reversed(lines) if each.entry.kind == "state.restored")


def test_part_of_it_may_be_forgotten_and_a_later_restore_forgets_the_rest(lost: Lost) -> None:
    cut(lost.paths.store / "data.mdb")
    hub = lost.restored("--forget", "tokens", "--forget", "workspaces")
    assert worth_something(hub) == ([lost.token["id"]], [])
    assert apart(hub) == {"researcher", "thinker"}
    with hub.store.read() as txn:
        assert worst_case.stands(txn) == {"quarantines", "containers"}
    hub.store.close()
    hub = lost.restored("--forget", "quarantines")
    assert apart(hub) == set()
    assert worth_something(hub) == ([lost.token["id"]], [])
    assert hub.mode.name is ModeName.PAUSED
    with hub.store.read() as txn:
        assert worst_case.stands(txn) == {"containers"}
    hub.store.close()
    hub = lost.restored("--forget", "all")
    assert worth_something(hub) == ([lost.token["id"]], [lost.instance])
    assert hub.mode.name is ModeName.NORMAL
    hub.store.close()


def test_it_is_in_force_with_the_rename_and_not_a_moment_later(
    lost: Lost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash right after the exchange leaves a state that is closed already."""
    cut(lost.paths.store / "data.mdb")

    def crash(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("agentctl.store.restore.Restored", crash)
    with pytest.raises(KeyboardInterrupt):
        restored(lost, tmp_path / "aside")
    hub = lost.hub()
    assert apart(hub) == {"researcher", "thinker"}
    assert not (lost.paths.store / "incoming").exists()
    hub.store.close()


def restored(lost: Lost, aside: Path) -> Restored:
    return put_back(
        lost.backup,
        lost.paths.store,
        installation=lost.paths.installation,
        aside=aside,
        who="operator:a",
        at_s=1.0,
    )


def test_a_program_reads_what_was_taken(lost: Lost, capsys: pytest.CaptureFixture[str]) -> None:
    from agentctl.cli import run

    removed(lost.paths.store / "data.mdb")
    words = ["--state", str(lost.paths.state), "-o", "json", "state", "restore"]
    assert run([*words, str(lost.backup), "--yes"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "holds no store" in told["unknown"]
    assert told["taken"] == {"quarantines": 2, "workspaces": 2, "tokens": 1, "containers": 1}
