"""A rule with hours or days holds then; an answer that depends on time is never kept as one."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agentctl.model.decision import Question
from agentctl.model.fleet import AccessRule, Effect, Window
from agentctl.policy import compile_rules, explain

OFFICE = Window(
    zone="Europe/Berlin",
    days=("mon", "tue", "wed", "thu", "fri"),
    since_min=8 * 60,
    until_min=18 * 60,
)
NIGHT = Window(days=("fri",), since_min=22 * 60, until_min=6 * 60)


def rule(effect: Effect, window: Window | None, name: str = "timed") -> AccessRule:
    return AccessRule(name=name, effect=effect, verb="*", principal="*", window=window)


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def ask(at_s: float | None) -> Question:
    return Question(verb="task.submit", principal="operator:ada", target="agent:dev", at_s=at_s)


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        ("2026-07-06T07:59:59", False),  # a Monday
        ("2026-07-06T08:00:00", True),
        ("2026-07-06T17:59:59", True),
        ("2026-07-06T18:00:00", False),
        ("2026-07-11T12:00:00", False),  # a Saturday
        ("2026-01-05T08:00:00", True),  # the zone's own winter time
    ],
)
def test_hours_and_days_are_those_of_the_zone(when: str, allowed: bool) -> None:
    policy = compile_rules([rule(Effect.ALLOW, OFFICE)])
    assert policy.decide(ask(at(when, "Europe/Berlin"))).allowed is allowed


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        ("2026-07-10T21:59:00", False),  # a Friday
        ("2026-07-10T22:00:00", True),
        ("2026-07-11T05:59:00", True),
        ("2026-07-11T06:00:00", False),
        ("2026-07-10T03:00:00", False),  # Thursday's night
        ("2026-07-11T23:00:00", False),
    ],
)
def test_hours_past_midnight_count_to_the_day_they_began(when: str, allowed: bool) -> None:
    policy = compile_rules([rule(Effect.ALLOW, NIGHT)])
    assert policy.decide(ask(at(when))).allowed is allowed


def test_the_same_question_is_answered_anew_at_another_time() -> None:
    policy = compile_rules([rule(Effect.ALLOW, OFFICE)])
    noon, night = at("2026-07-06T12:00:00"), at("2026-07-06T23:00:00")
    asked = [policy.decide(ask(each)).allowed for each in (noon, night, noon, None, night)]
    assert asked == [True, False, True, False, False]


def test_an_open_deny_comes_before_an_allow_and_a_closed_one_lets_it_decide() -> None:
    policy = compile_rules(
        [rule(Effect.ALLOW, None, "always"), rule(Effect.DENY, OFFICE, "not in office hours")]
    )
    assert policy.decide(ask(at("2026-07-06T12:00:00"))).rule == "not in office hours"
    assert policy.decide(ask(at("2026-07-06T23:00:00"))).rule == "always"


@pytest.mark.parametrize("window", [OFFICE, Window(zone="Mars/Olympus")])
def test_without_a_known_time_an_allow_stays_shut_and_a_deny_stands(window: Window) -> None:
    always = rule(Effect.ALLOW, None, "always")
    known = None if window is OFFICE else 0.0
    assert not compile_rules([rule(Effect.ALLOW, window)]).decide(ask(known)).allowed
    assert not compile_rules([always, rule(Effect.DENY, window)]).decide(ask(known)).allowed
    assert not compile_rules([rule(Effect.ALLOW, OFFICE)]).decide(ask(1e300)).allowed


def test_a_refusal_says_when_it_would_be_allowed() -> None:
    policy = compile_rules([rule(Effect.ALLOW, OFFICE, "office")])
    decision, judged = explain(policy, ask(at("2026-07-06T20:00:00")))
    hours = "mon, tue, wed, thu, fri 08:00-18:00 Europe/Berlin"
    assert decision.reason == (
        f"no rule allows operator:ada to task.submit agent:dev now; 'office' does {hours}"
    )
    assert judged[0].why_not == f"time is mon 22:00, the rule holds {hours}"
