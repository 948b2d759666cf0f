"""A saved plan is applied as it was shown, or refused with the name of what moved since."""

import dataclasses
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctl.cli import run
from agentctl.cli.proposal import Current, Proposal, compare
from agentctl.cli.saved_plan import SavedPlan, moved, read, saved, write
from agentctl.cli.selecting import Chosen
from agentctl.errors import ConfigError
from agentctl.model.digest import desired_digest
from agentctl.model.fleet import OnChange
from agentctl.model.instance import ContainerState, ObservedState
from tests.unit.reconcile.declared import OURS, RESEARCHER, container, fleet, seen

BUSY = dataclasses.replace(RESEARCHER, on_change=OnChange.IMMEDIATE)
NEWER = fleet(dataclasses.replace(BUSY, image="i:2"))
APPLIED = Current(
    number=3,
    digest=desired_digest(fleet(BUSY)),
    installation=OURS,
    desired=fleet(BUSY),
    known=frozenset({"inst-researcher-0"}),
)
WORLD = seen(container(BUSY))


def proposal(observed: ObservedState = WORLD, current: Current = APPLIED) -> Proposal:
    return compare(NEWER, observed, current, installation=OURS, prune=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "p/policies").mkdir(parents=True)
    (tmp_path / "p/inventory.yaml").write_text("all: {}\n")
    return tmp_path / "p"


@pytest.fixture
def kept(project: Path) -> SavedPlan:
    return saved(proposal(), project, Chosen(), prune=False)


def test_where_no_plan_can_be_written_it_is_said(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = saved(proposal(), project, Chosen(), prune=False)
    with pytest.raises(
        ConfigError, match=r"the plan can't be written to .*/file/below: Not a directory"
    ):
        write(kept, tmp_path / "file/below")


def test_only_its_owner_reads_a_saved_plan_and_it_comes_back_as_it_was(
    kept: SavedPlan, tmp_path: Path
) -> None:
    file = tmp_path / "plan"
    file.write_text("an older one, that everybody reads")
    file.chmod(0o644)
    write(kept, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read(file) == kept
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["plan"]


def test_where_nothing_moved_nothing_is_refused(kept: SavedPlan, project: Path) -> None:
    assert list(moved(kept, proposal(), project)) == []


def edit(project: Path) -> Proposal:
    (project / "inventory.yaml").write_text("all: {hosts: {}}\n")
    return proposal()


def add(project: Path) -> Proposal:
    (project / "policies/access.yaml").write_text("rules: []\n")
    return proposal()


def apply_another(_project: Path) -> Proposal:
    return proposal(current=dataclasses.replace(APPLIED, number=4, digest="d"))


def die(_project: Path) -> Proposal:
    return proposal(seen(container(BUSY, state=ContainerState.EXITED)))


def vanish(_project: Path) -> Proposal:
    return proposal(seen())


def leave(_project: Path) -> Proposal:
    return proposal(seen(error="refused"))


def take_work(_project: Path) -> Proposal:
    return proposal(current=dataclasses.replace(APPLIED, work={"inst-researcher-0": "task-7"}))


def set_apart(_project: Path) -> Proposal:
    return proposal(current=dataclasses.replace(APPLIED, quarantined=frozenset({"writer"})))


HERE = "container c-researcher (local researcher/0)"
MOVES: dict[str, tuple[Callable[[Path], Proposal], list[str]]] = {
    "a file": (edit, ["inventory.yaml has changed"]),
    "a new file": (add, ["policies/access.yaml is new"]),
    "the generation": (apply_another, ["generation 4 is applied, it was made against 3"]),
    "a container's state": (die, [f"{HERE} has changed"]),
    "a container": (vanish, [f"{HERE} is gone"]),
    "a host": (leave, [f"{HERE} is gone", "host local is new"]),
    "a quarantine": (set_apart, ["writer is quarantined"]),
    "a task": (take_work, ["task-7 would be interrupted, and the plan didn't say so"]),
}


@pytest.mark.parametrize(("move", "said"), MOVES.values(), ids=MOVES.keys())
def test_what_moved_is_named(
    kept: SavedPlan, project: Path, move: Callable[[Path], Proposal], said: list[str]
) -> None:
    assert list(moved(kept, move(project), project)) == said


def test_a_file_of_extra_variables_counts_too(project: Path, tmp_path: Path) -> None:
    extra = tmp_path / "extra.yaml"
    extra.write_text("model: qwen3\n")
    kept = saved(proposal(), project, Chosen(extra_vars=(f"@{extra}",)), prune=False)
    extra.write_text("model: qwen4\n")
    assert list(moved(kept, proposal(), project)) == [f"{extra} has changed"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"form": 1}', b"[" * 100_000])
def test_what_is_no_saved_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan").write_bytes(content)
    with pytest.raises(ConfigError, match="no saved plan"):
        read(tmp_path / "plan")


def test_a_plan_whose_fleet_was_changed_by_hand_is_refused(kept: SavedPlan, tmp_path: Path) -> None:
    write(kept, tmp_path / "plan")
    text = (tmp_path / "plan").read_text()
    (tmp_path / "plan").write_text(text.replace('"replicas":1', '"replicas":9'))
    with pytest.raises(ConfigError, match="damaged"):
        read(tmp_path / "plan")


def test_a_saved_plan_takes_no_options_and_without_the_hub_none_is_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path / "state")]
    assert run(["apply", "plan", "--yes", "--limit", "local", *state]) == 2
    assert "plan says what is applied" in capsys.readouterr().err
    assert run(["plan", "--out", str(tmp_path / "plan"), *state]) == 4
    assert not (tmp_path / "plan").exists()


def test_a_part_of_the_fleet_is_not_pruned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path / "state")]
    assert run(["plan", "--limit", "local", "--prune", *state]) == 2
    assert "prune with the whole fleet" in capsys.readouterr().err
