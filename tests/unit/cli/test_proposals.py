"""What plan and apply compare: files, the applied generation, and the engines; with the hub or without."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentctl.cli.git import commit_of
from agentctl.cli.plan import extra_fields
from agentctl.cli.proposal import HUB_AWAY, Current, Proposal, compare, current_from
from agentctl.model.digest import desired_digest, plain
from agentctl.model.fleet import DesiredState
from agentctl.model.instance import ObservedState
from agentctl.reconcile.review import review_text
from tests.unit.reconcile.declared import OURS, RESEARCHER, container, fleet, seen

FLEET = fleet(RESEARCHER)


def applied(desired: DesiredState, **fields: object) -> Current:
    current = Current(
        number=3,
        digest=desired_digest(desired),
        installation=OURS,
        desired=desired,
        known=frozenset({"inst-researcher-0"}),
    )
    return replace(current, **fields)  # type: ignore[arg-type]


def proposed(desired: DesiredState, observed: ObservedState, current: Current | None) -> Proposal:
    return compare(desired, observed, current, installation=OURS, prune=False)


def text(found: Proposal) -> str:
    return review_text(found.review)


def test_files_that_are_applied_and_run_are_no_change() -> None:
    found = proposed(FLEET, seen(container(RESEARCHER)), applied(FLEET))
    assert not found.changed
    assert text(found).endswith("0 to remove, 1 unchanged\nNo changes.")


def test_a_changed_policy_is_a_change_though_no_container_changes() -> None:
    stricter = replace(FLEET, routing=replace(FLEET.routing, default="internal"))
    found = proposed(stricter, seen(container(RESEARCHER)), applied(FLEET))
    assert found.changed
    assert "~ routing levels and boundaries\n      default: confidential → internal" in text(found)
    assert "! routing levels and boundaries: unlabelled work counts as internal" in text(found)


def test_the_fields_that_changed_since_the_applied_generation_are_named() -> None:
    newer = fleet(replace(RESEARCHER, image="agentctl/agent:2"))
    found = proposed(newer, seen(container(RESEARCHER)), applied(FLEET))
    assert "image: agentctl/agent:1 → agentctl/agent:2" in text(found)


def test_without_the_hub_hashes_are_compared_and_the_unknown_is_said() -> None:
    newer = fleet(replace(RESEARCHER, image="agentctl/agent:2"))
    found = proposed(newer, seen(container(RESEARCHER)), None)
    assert "spec: " in text(found)
    assert HUB_AWAY in found.plan.notes
    assert extra_fields(found)["generation"] is None


def test_without_the_hub_a_fleet_that_runs_as_declared_is_no_change() -> None:
    found = proposed(FLEET, seen(container(RESEARCHER)), None)
    assert not found.changed
    assert found.plan.notes == (HUB_AWAY,)  # and nobody is called an orphan on no evidence


def test_a_provider_without_a_key_is_a_note_and_no_change() -> None:
    keyless = applied(FLEET, unusable={"ollama-qwen3": "key file /k is missing", "gone": "x"})
    found = proposed(FLEET, seen(container(RESEARCHER)), keyless)
    assert not found.changed
    assert found.plan.notes == (
        "provider ollama-qwen3 is unusable: key file /k is missing; work for its agents is held",
    )


def test_a_provider_that_is_away_is_a_note_and_no_change() -> None:
    away = applied(FLEET, away={"ollama-qwen3": "away: it can't be reached", "gone": "x"})
    found = proposed(FLEET, seen(container(RESEARCHER)), away)
    assert not found.changed
    assert found.plan.notes == (
        "provider ollama-qwen3 is away: it can't be reached; work for its agents is held",
    )


def test_before_the_first_generation_the_plan_says_so() -> None:
    found = proposed(FLEET, seen(), Current(installation=OURS))
    assert text(found).endswith("Nothing is applied yet: this is the first generation.")


def test_a_generation_applied_with_prune_goes_on_pruning() -> None:
    found = proposed(fleet(), seen(container(RESEARCHER)), applied(fleet(), prune=True))
    assert "- remove researcher/0" in text(found)


def test_the_hubs_answers_become_what_is_current() -> None:
    latest = {
        "number": 3,
        "digest": "d",
        "prune": False,
        "installation": OURS,
        "desired": plain(FLEET),
    }
    instances: list[dict[str, Any]] = [
        {"id": "inst-1", "task": "task-1", "draining": True},
        {"id": "inst-2", "task": None, "draining": False},
    ]
    found = current_from(latest, instances)
    assert found.desired == FLEET
    assert found.work == {"inst-1": "task-1"}
    assert found.draining == {"inst-1"}
    assert found.known == {"inst-1", "inst-2"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, "-C", str(tmp_path), *words], check=True, timeout=30)

    git("init", "--quiet")
    (tmp_path / "inventory.yaml").write_text("all: {}\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    return tmp_path


def test_the_commit_is_marked_when_the_tree_differs_from_it(repository: Path) -> None:
    clean = commit_of(repository)
    assert len(clean) == 40
    (repository / "inventory.yaml").write_text("all: {hosts: {}}\n")
    assert commit_of(repository) == f"{clean}+"


def test_without_git_there_is_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path / "nothing") == ""


def test_a_workspace_that_holds_more_is_said_before_it_is_applied() -> None:
    kept = {
        "host": "local",
        "agent": "researcher",
        "replica": 0,
        "labels": ["internal", "confidential"],
    }
    latest = {
        "number": 3,
        "digest": desired_digest(FLEET),
        "installation": OURS,
        "desired": plain(FLEET),
        "workspaces": [kept, {**kept, "replica": 7}, {**kept, "agent": "gone"}],
    }
    current = current_from(latest, [{"id": "inst-researcher-0", "task": None}])
    lower = fleet(replace(RESEARCHER, clearance="internal"))
    [note] = proposed(lower, seen(container(RESEARCHER)), current).review.all_notes
    why = "its workspace holds confidential work, and the container would be internal"
    assert note.partition("; ")[0] == f"local researcher/0: waits: {why}"
    same = proposed(FLEET, seen(container(RESEARCHER)), current)
    assert same.review.all_notes == ()
