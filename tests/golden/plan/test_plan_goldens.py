"""Plans as people and programs read them, beside this file; AGENTCTL_GOLDEN=write renews them."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from agentctl.model.annotation import Spot
from agentctl.model.fleet import (
    AccessRule,
    Effect,
    OnChange,
    Resources,
    Secret,
    Source,
    SourceKind,
)
from agentctl.model.instance import ContainerState, ObservedHost, ObservedState
from agentctl.model.plan import Plan
from agentctl.reconcile import Review, as_json, as_text, births, declarations, plan
from agentctl.reconcile.forges import annotations, markdown
from agentctl.reconcile.review import review_events, review_text
from agentctl.reconcile.slots import Slot
from tests.unit.reconcile.declared import OURS, QWEN, RESEARCHER, container, fleet

HERE = Path(__file__).parent
PAT = Secret(name="pat", source=Source(kind=SourceKind.FILE, name="/etc/agentctl/pat"))


def one_of_each() -> Plan:
    """A fleet in the middle of its life: something of everything that a plan can say."""
    before = fleet(
        RESEARCHER,
        replace(RESEARCHER, name="reviewer", on_change=OnChange.IMMEDIATE),
        replace(RESEARCHER, name="writer"),
        replace(RESEARCHER, name="editor"),
    )
    after = fleet(
        replace(
            RESEARCHER,
            replicas=3,
            image="agentctl/agent:2",
            resources=Resources(memory_bytes=4 * 1024**3),
            secrets=(PAT,),
        ),
        replace(RESEARCHER, name="reviewer", provider="claude-opus", on_change=OnChange.IMMEDIATE),
        replace(RESEARCHER, name="writer"),
        replace(
            RESEARCHER,
            name="editor",
            replicas=2,
            image="agentctl/agent:2",
            on_change=OnChange.DEFER,
        ),
        replace(RESEARCHER, name="tester", host="lab"),
        replace(RESEARCHER, name="suspect", replicas=3),
        hosts=("local", "lab", "attic"),
    )
    local = (
        container(RESEARCHER, 0),
        container(RESEARCHER, 1),
        container(replace(RESEARCHER, name="reviewer")),
        container(replace(RESEARCHER, name="writer"), 0),
        container(replace(RESEARCHER, name="writer"), 1),
        container(replace(RESEARCHER, name="editor"), 0),
        container(replace(RESEARCHER, name="editor", grace_s=5.0), 1),
        container(replace(RESEARCHER, name="archivist"), 0),
        container(replace(RESEARCHER, name="stranger"), installation="another"),
        container(replace(RESEARCHER, name="suspect"), 0),
        container(
            replace(RESEARCHER, name="suspect"), 1, state=ContainerState.EXITED, exit_code=137
        ),
    )
    tester = replace(RESEARCHER, name="tester", host="lab")
    died = container(tester, provider=QWEN, state=ContainerState.EXITED, exit_code=1)
    observed = ObservedState(
        hosts=(
            ObservedHost(name="local", containers=local),
            ObservedHost(name="lab", containers=(died,)),
            ObservedHost(name="attic", error="no route to host"),
        )
    )
    return plan(
        after,
        observed,
        digest="5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
        installation=OURS,
        work={
            "inst-researcher-0": "task-1",
            "inst-reviewer-0": "task-2",
            "inst-editor-0": "task-3",
            "inst-editor-1": "task-4",
        },
        past=births(before),
        quarantined={"suspect"},
    )


def text_of(found: Plan) -> str:
    return as_text(found) + "\n"


def json_of(found: Plan) -> str:
    return json.dumps(as_json(found), indent=2, ensure_ascii=False) + "\n"


def reviewed() -> Review:
    """The same plan with all that stands beside it in a review."""
    rule = AccessRule(
        name="talk", effect=Effect.ALLOW, verb="message.send", principal="agent:*", target="agent:*"
    )
    before = fleet(RESEARCHER)
    after = replace(
        fleet(replace(RESEARCHER, image="agentctl/agent:2")),
        access=(rule,),
        routing=replace(before.routing, default="internal"),
    )
    drift = Slot(host="lab", agent="tester", replica=0)
    return Review(
        plan=one_of_each(),
        declarations=declarations(before, after),
        drifted=frozenset({drift}),
        reach=("internal work can get to agent reviewer: cleared for internal",),
        notes=("a note with | and `ticks` and <b>",),
        partial="--limit local:lab",
        closing=("A closing sentence.",),
    )


def review_text_of(_: Plan) -> str:
    return review_text(reviewed()) + "\n"


def review_markdown_of(_: Plan) -> str:
    return markdown(reviewed()) + "\n"


def review_github_of(_: Plan) -> str:
    return annotations(reviewed(), declared_at) + "\n"


def declared_at(subject: tuple[str, ...]) -> Spot | None:
    """Agents stand at line 7 of one file, their images below; a rule in another; the rest nowhere."""
    match subject:
        case ("agent", "researcher", "local", "image"):
            return Spot(file="fleets/a/playbooks/fleet.yaml", line=9, column=14)
        case ("agent", "researcher", "local"):
            return Spot(file="fleets/a/playbooks/fleet.yaml", line=7, column=7)
        case ("rule", "talk"):
            return Spot(file="fleets/a/policies/access.yaml", line=3, column=5)
    return None


def review_events_of(_: Plan) -> str:
    lines = (json.dumps(each, ensure_ascii=False) for each in review_events(reviewed()))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("one_of_each.txt", text_of),
        ("one_of_each.json", json_of),
        ("review.txt", review_text_of),
        ("review.md", review_markdown_of),
        ("review.github", review_github_of),
        ("review.jsonl", review_events_of),
    ],
)
def test_a_plan_reads_as_its_golden_file(file, shown) -> None:  # type: ignore[no-untyped-def]
    found = shown(one_of_each())
    if os.environ.get("AGENTCTL_GOLDEN") == "write":
        (HERE / file).write_text(found, encoding="utf-8")
    assert found == (HERE / file).read_text(encoding="utf-8")
