"""The matrix says what holds whatever else is asked, and which rules turn that."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.model.fleet import AccessRule, Effect, Window
from agentctl.policy import compile_rules
from agentctl.policy.matrix import Act, matrix

ALLOW = AccessRule(name="yes", effect=Effect.ALLOW, verb="*", principal="*")
DENY = AccessRule(name="no", effect=Effect.DENY, verb="*", principal="*")
SUBMIT = Act(
    verb="task.submit",
    principal=("operator:ada", ""),
    target="agent:dev",
    levels=("public", "restricted"),
)
CONDITIONS: list[dict[str, Any]] = [
    {"types": ("request",)},
    {"capabilities": ("research",)},
    {"labels": (("bulk", "true"),)},
    {"window": Window(days=("mon",))},
]


def said(*rules: AccessRule) -> str:
    return of(SUBMIT, *rules)


def of(act: Act, *rules: AccessRule) -> str:
    cells = matrix(compile_rules(rules), [act])
    return "\n".join(f"{each.level} {each.allowed} {each.rule} {each.unless}" for each in cells)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_rule_with_a_condition_is_a_reservation(condition: dict[str, Any]) -> None:
    both = "public {} {} ('{}',)\nrestricted {} {} ('{}',)"
    sometimes = replace(ALLOW, **condition)
    assert said(sometimes) == both.format(*(False, "default-deny", "yes") * 2)
    assert said(ALLOW, replace(DENY, **condition)) == both.format(*(True, "yes", "no") * 2)


def test_a_reservation_that_changes_nothing_is_none() -> None:
    sometimes = replace(DENY, types=("request",))
    assert said(sometimes) == "public False default-deny ()\nrestricted False default-deny ()"
    after = replace(ALLOW, name="later", types=("request",))
    assert said(DENY, after) == "public False no ()\nrestricted False no ()"


def test_levels_are_known_and_so_no_reservation() -> None:
    low = replace(ALLOW, levels=("public",))
    assert said(low) == "public True yes ()\nrestricted False default-deny ()"


KNOWN = Act(
    verb="message.send",
    principal=("agent:a", ""),
    target="agent:b",
    levels=("public",),
    type="request",
    kinds=frozenset({"text", "finding"}),
    capabilities=("code",),
    labels=(("team", "red"),),
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"types": ("request", "reply")}, "public True yes ()"),
        ({"types": ("reply",)}, "public False default-deny ()"),
        ({"types": ("finding",)}, "public False default-deny ('yes',)"),
        ({"capabilities": ("code",)}, "public True yes ()"),
        ({"capabilities": ("code", "research")}, "public False default-deny ()"),
        ({"labels": (("team", "red"),)}, "public True yes ()"),
        ({"labels": (("team", "blue"),)}, "public False default-deny ()"),
    ],
)
def test_what_is_known_is_no_reservation(condition: dict[str, Any], expected: str) -> None:
    assert of(KNOWN, replace(ALLOW, **condition)) == expected


def test_what_a_declaration_grants_rules_can_only_take_back() -> None:
    granted = replace(KNOWN, verb="model.call", target="provider:p", type="", granted=True)
    assert of(granted) == "public True declared ()"
    assert of(granted, ALLOW) == "public True declared ()"
    assert of(granted, DENY) == "public False no ()"
    by_day = replace(DENY, window=Window(days=("mon",)))
    assert of(granted, by_day) == "public True declared ('no',)"
    assert of(granted, replace(DENY, types=("request",))) == "public True declared ()"
