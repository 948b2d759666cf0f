"""Reach: from the declarations alone, where work of a level can get to, and what a change adds."""

from dataclasses import replace

from agentctl.model.fleet import AccessRule, AgentSpec, DesiredState, Destination, Effect
from agentctl.policy.possible import Possible
from agentctl.routing.reach import newly, reach
from tests.unit.reconcile.declared import RESEARCHER, fleet

SUBMIT = AccessRule(
    name="dispatch",
    effect=Effect.ALLOW,
    verb="task.submit",
    principal="operator:*",
    target="agent:in*",
)
HIGH = replace(RESEARCHER, name="inner", clearance="confidential")
LOW = replace(RESEARCHER, name="intern", clearance="internal", provider="claude-opus")


def fleet_of(*agents: AgentSpec, rules: tuple[AccessRule, ...] = (SUBMIT,)) -> DesiredState:
    return replace(fleet(*agents), access=rules)


def reached(desired: DesiredState, level: str) -> dict[str, str]:
    found = reach(desired, Possible(desired.access), ["admin"])
    return {f"{each.kind} {each.name}": each.why for each in found if each.level == level}


def test_work_gets_to_who_is_cleared_and_what_they_call() -> None:
    assert reached(fleet_of(HIGH, LOW), "confidential") == {
        "agent inner": "cleared for confidential; may be submitted: dispatch",
        "provider ollama-qwen3": "called by inner",
        "boundary private": "lets confidential cross; ollama-qwen3",
        "role admin": "is shown prompts and results",
    }
    assert set(reached(fleet_of(HIGH, LOW), "public")) >= {
        "agent inner",
        "agent intern",
        "boundary public",
    }


def test_without_a_rule_that_could_let_it_through_work_gets_nowhere() -> None:
    assert reached(fleet_of(HIGH, rules=()), "public") == {}
    only_public = replace(SUBMIT, levels=("public",))
    assert reached(fleet_of(HIGH, rules=(only_public,)), "internal") == {}
    everybody = replace(SUBMIT, name="no", effect=Effect.DENY, principal="*")
    assert reached(fleet_of(HIGH, rules=(SUBMIT, everybody)), "public") == {}


def test_a_deny_that_something_could_get_past_takes_nothing_away() -> None:
    some = replace(SUBMIT, name="no", effect=Effect.DENY, principal="operator:bob")
    assert "agent inner" in reached(fleet_of(HIGH, rules=(SUBMIT, some)), "public")


def test_messages_carry_work_on_with_the_senders_clearance() -> None:
    third = replace(RESEARCHER, name="third", clearance="confidential")
    low = replace(RESEARCHER, name="bottom", clearance="public")
    talk = AccessRule(
        name="talk", effect=Effect.ALLOW, verb="message.send", principal="agent:inner", target="*"
    )
    found = reached(fleet_of(HIGH, third, low, rules=(SUBMIT, talk)), "public")
    assert found["agent third"] == "cleared for confidential; messages from inner: talk"
    assert "agent bottom" not in found  # what leaves inner is confidential


def test_reach_that_a_change_adds_is_named() -> None:
    before, after = fleet_of(HIGH), fleet_of(HIGH, LOW)
    rules = Possible(before.access)
    added = newly(reach(before, rules, ["admin"]), reach(after, rules, ["admin"]))
    assert [(each.level, each.kind, each.name) for each in added] == [
        ("public", "agent", "intern"),
        ("public", "provider", "claude-opus"),
        ("public", "boundary", "public"),
        ("internal", "agent", "intern"),
        ("internal", "provider", "claude-opus"),
        ("internal", "boundary", "public"),
    ]
    assert newly(reach(after, rules, ["admin"]), reach(before, rules, ["admin"])) == ()


def test_events_carry_work_on_to_those_who_hear_the_topic() -> None:
    says = replace(HIGH, publishes=("findings",))
    hears = replace(HIGH, name="outer", subscribes=("findings",))
    deaf = replace(HIGH, name="over")
    told = replace(
        SUBMIT, name="told", verb="message.send", principal="agent:inner", target="topic:findings"
    )
    found = reached(fleet_of(says, hears, deaf, rules=(SUBMIT, told)), "confidential")
    assert found["agent outer"] == ("cleared for confidential; events on findings from inner: told")
    assert "agent over" not in found


def test_work_gets_to_the_destinations_that_its_holders_may_reach() -> None:
    github = Destination(name="github", hosts=(("github.com", 443),), boundary="public")
    goes = replace(LOW, egress=("github",))
    desired = replace(fleet_of(HIGH, goes), destinations=(github,))
    assert reached(desired, "internal")["destination github"] == (
        "reached by intern, across boundary public"
    )
    assert "destination github" not in reached(desired, "confidential")
