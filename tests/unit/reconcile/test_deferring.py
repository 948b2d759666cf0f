"""`on_change: defer`: a changed container goes on until it is idle; what narrows is never deferred."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.model.fleet import (
    AgentSpec,
    Executor,
    ExecutorKind,
    Lifecycle,
    OnChange,
    Resources,
    Secret,
    Source,
    SourceKind,
    Workspace,
)
from agentctl.model.instance import Container, ContainerState
from agentctl.model.plan import Create, Drain, Plan, Remove
from agentctl.reconcile import as_text, births, plan
from agentctl.reconcile.deferring import not_deferred
from tests.unit.reconcile.declared import OPUS, OURS, RESEARCHER, container, fleet, seen

NEWER = replace(RESEARCHER, image="agentctl/agent:2", on_change=OnChange.DEFER)
LEVELS = ("public", "internal", "confidential")
INST = "inst-researcher-0"
BUSY = {INST: "task-1"}
PAT = Secret(name="pat", source=Source(kind=SourceKind.FILE, name="/etc/pat"))
IMAGE = "image: agentctl/agent:1 → agentctl/agent:2"


def planned(after: AgentSpec, before: AgentSpec = RESEARCHER, **more: Any) -> Plan:
    """The plan for a container of `before` that is declared as `after` now."""
    running: Container = more.pop("running", container(before))
    given = {"past": births(fleet(before)), "known": frozenset({INST}), **more}
    return plan(fleet(after), seen(running), digest="d", installation=OURS, **given)


def kinds(found: Plan) -> list[type]:
    return [type(each) for each in found.actions]


def test_one_that_works_goes_on_and_the_plan_says_until_when() -> None:
    found = planned(NEWER, work=BUSY)
    assert found.empty
    assert as_text(found) == (
        f"Notes\n  local researcher/0: deferred until task-1 ends ({IMAGE})\n\n"
        "Plan: 0 to create, 0 to replace, 0 to remove, 0 unchanged, 1 deferred"
    )


def test_one_that_something_is_queued_for_goes_on() -> None:
    found = planned(NEWER, waiting={INST: "task-2"})
    assert (found.empty, found.deferred, found.unchanged) == (True, 1, 0)
    assert found.notes == (
        f"local researcher/0: deferred until task-2 is done, which is queued for it ({IMAGE})",
    )


def test_one_that_is_idle_is_replaced_unless_it_takes_a_task_meanwhile() -> None:
    remove, create = planned(NEWER).actions
    assert isinstance(remove, Remove)
    assert remove.only_idle
    assert isinstance(create, Create)


def test_one_whose_time_has_ended_is_replaced_whatever_is_queued() -> None:
    """agentd ends at its TTL; the hub's record of the task may be late."""
    ended = container(RESEARCHER, state=ContainerState.EXITED, exit_code=0)
    found = planned(NEWER, running=ended, work=BUSY, waiting={INST: "task-2"})
    assert kinds(found) == [Remove, Create]


def test_one_that_drains_already_gets_no_work_so_it_goes_as_a_drained_one_does() -> None:
    told: dict[str, Any] = {"draining": frozenset({INST}), "waiting": {INST: "task-2"}}
    assert kinds(planned(NEWER, work=BUSY, **told)) == [Drain]
    assert kinds(planned(NEWER, **told)) == [Remove, Create]


HARMLESS = {
    "image": {"image": "agentctl/agent:3"},
    "less memory": {"resources": Resources(memory_bytes=1024**3)},
    "workspace": {"workspace": Workspace(size_bytes=1024**3)},
    "grace": {"grace_s": 5.0},
    "a longer life": {"ttl_s": 2 * RESEARCHER.ttl_s},
    "clearance raised": {"clearance": "confidential"},
    "a destination more": {"egress": ("github", "mirror")},
    "a secret more": {"secrets": (PAT, replace(PAT, name="more"))},
}
NARROWER = {
    "clearance: internal → public": {"clearance": "public"},
    "egress: [github] → []": {"egress": ()},
    "egress: [github] → [mirror]": {"egress": ("mirror",)},
    "secrets.pat: file /etc/pat → none": {"secrets": ()},
    "secrets.pat: file /etc/pat → file /other": {
        "secrets": (replace(PAT, source=replace(PAT.source, name="/other")),)
    },
    "executor.args: [] → [--permission-mode, plan]": {
        "executor": Executor(args=("--permission-mode", "plan"))
    },
    "executor.kind: claude-code → messages-api": {
        "executor": Executor(kind=ExecutorKind.MESSAGES_API)
    },
    "ttl: 1d → 1m": {"ttl_s": 60.0},
}
OLD = replace(RESEARCHER, clearance="internal", egress=("github",), secrets=(PAT,))


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_only_adds_or_changes_its_making_is_deferred(change: dict[str, Any]) -> None:
    found = planned(replace(OLD, on_change=OnChange.DEFER, **change), OLD, work=BUSY)
    assert (found.empty, found.deferred) == (True, 1)


@pytest.mark.parametrize(("what", "change"), NARROWER.items(), ids=NARROWER)
def test_what_may_narrow_drains_and_the_plan_says_why(what: str, change: dict[str, Any]) -> None:
    after = replace(OLD, on_change=OnChange.DEFER, **change)
    found = planned(after, OLD, work=BUSY)
    assert kinds(found) == [Drain]
    assert found.notes == (
        f"local researcher/0: not deferred, it drains: {what}: that may narrow what it may do",
    )


def test_it_does_not_wait_for_the_queue_either() -> None:
    lowered = replace(OLD, clearance="public", on_change=OnChange.DEFER)
    assert kinds(planned(lowered, OLD, waiting={INST: "task-2"})) == [Remove, Create]


def test_a_change_of_several_is_deferred_only_if_each_may_be() -> None:
    after = replace(OLD, image="agentctl/agent:3", clearance="public", secrets=())
    found = planned(replace(after, on_change=OnChange.DEFER), OLD, work=BUSY)
    assert kinds(found) == [Drain]
    assert "clearance: internal → public, and 1 more: that may narrow" in found.notes[0]


def test_another_provider_is_never_deferred() -> None:
    elsewhere = replace(RESEARCHER, provider=OPUS.name, on_change=OnChange.DEFER)
    found = planned(elsewhere, work=BUSY)
    assert kinds(found) == [Drain]
    assert "provider: ollama-qwen3 → claude-opus" in found.notes[0]


def test_another_lifecycle_is_never_deferred() -> None:
    """The hub gives containers of the other kind no work."""
    (before,) = births(fleet(RESEARCHER)).values()
    (after,) = births(fleet(replace(RESEARCHER, lifecycle=Lifecycle.EPHEMERAL))).values()
    assert not_deferred(before, after, LEVELS).startswith("lifecycle: persistent → ephemeral")


def test_a_level_that_is_gone_counts_as_narrower() -> None:
    (before,) = births(fleet(RESEARCHER)).values()
    (after,) = births(fleet(replace(RESEARCHER, clearance="secret"))).values()
    assert not_deferred(before, after, (*LEVELS, "secret")) == ""
    assert not_deferred(before, after, ("secret",)).startswith("clearance")


def test_what_nobody_remembers_the_birth_of_drains() -> None:
    found = planned(NEWER, work=BUSY, past={})
    assert kinds(found) == [Drain]
    assert found.notes[0].endswith("it drains: nobody remembers what it was born with")


def test_fewer_replicas_and_removals_are_no_change_to_defer() -> None:
    running = container(RESEARCHER, 1)
    told: dict[str, Any] = {"work": {"inst-researcher-1": "task-1"}, "running": running}
    drain, _ = planned(replace(RESEARCHER, on_change=OnChange.DEFER), **told).actions
    assert isinstance(drain, Drain)
    assert drain.removes
