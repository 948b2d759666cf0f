"""The matrix says what holds whatever else is asked, and which rules turn that."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.model.fleet import AccessRule, Effect, Window
from agentctl.policy import compile_rules
from agentctl.policy.matrix import matrix

ALLOW = AccessRule(name="yes", effect=Effect.ALLOW, verb="*", principal="*")
DENY = AccessRule(name="no", effect=Effect.DENY, verb="*", principal="*")
CONDITIONS: list[dict[str, Any]] = [
    {"types": ("request",)},
    {"capabilities": ("research",)},
    {"labels": (("bulk", "true"),)},
    {"window": Window(days=("mon",))},
]


def said(*rules: AccessRule) -> str:
    cells = matrix(
        compile_rules(rules),
        verbs=["task.submit"],
        principals=[("operator:ada", "")],
        targets=["agent:dev"],
        levels=["public", "restricted"],
    )
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
