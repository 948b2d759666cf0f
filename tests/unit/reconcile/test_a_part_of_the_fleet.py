"""--limit and --tags: the part that is selected changes, all around it stays as it is applied."""

from dataclasses import replace

from agentctl.reconcile.partial import Part, merged, within
from tests.unit.reconcile.declared import OPUS, QWEN, RESEARCHER, container, fleet, seen

HERE = replace(RESEARCHER, name="here")
THERE = replace(RESEARCHER, name="there", host="lab")
APPLIED = fleet(HERE, THERE, hosts=("local", "lab"))
LOCAL = Part(hosts=frozenset({"local"}))


def test_agents_outside_stay_as_applied() -> None:
    selected = fleet(replace(HERE, image="i:2"))
    whole, notes = merged(APPLIED, selected, LOCAL)
    assert [(each.name, each.image) for each in whole.agents] == [
        ("there", "agentctl/agent:1"),
        ("here", "i:2"),
    ]
    assert [each.name for each in whole.hosts] == ["lab", "local"]
    assert notes == ()


def test_what_is_no_longer_declared_goes_only_inside_the_limit() -> None:
    assert [each.name for each in merged(APPLIED, fleet(), LOCAL)[0].agents] == ["there"]


def test_tags_take_nothing_out_since_what_is_gone_has_none() -> None:
    whole, _ = merged(APPLIED, fleet(), Part(by_tags=True))
    assert {each.name for each in whole.agents} == {"here", "there"}


def test_a_provider_that_agents_outside_use_waits_and_is_said() -> None:
    selected = replace(fleet(HERE), providers=(replace(QWEN, model="qwen4"), OPUS))
    whole, notes = merged(APPLIED, selected, LOCAL)
    assert whole.provider("ollama-qwen3") == QWEN
    assert notes == ("provider ollama-qwen3 stays as applied: agents outside the selection use it",)


def test_levels_and_rules_are_no_part_of_a_selection() -> None:
    selected = replace(fleet(HERE), routing=replace(APPLIED.routing, default="internal"))
    whole, notes = merged(APPLIED, selected, LOCAL)
    assert whole.routing == APPLIED.routing
    assert notes == ("routing stays as applied: it is not part of the selection",)


def test_where_nobody_knows_what_is_applied_only_selected_agents_are_looked_at() -> None:
    found = within(seen(container(HERE), container(RESEARCHER)), fleet(HERE))
    assert [each.agent for each in found.hosts[0].containers] == ["here"]
