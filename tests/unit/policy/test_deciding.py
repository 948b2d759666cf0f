"""Explicit deny wins, then the first allow, default deny."""

from agentctl.model.decision import Question
from agentctl.model.fleet import AccessRule, Effect
from agentctl.policy import compile_rules, explain

ALLOW = AccessRule(
    name="operators dispatch",
    effect=Effect.ALLOW,
    verb="task.submit",
    principal="operator:*",
    target="agent:*",
)
DENY = AccessRule(
    name="not to the vault",
    effect=Effect.DENY,
    verb="task.submit",
    principal="*",
    target="agent:vault",
)


def ask(*rules: AccessRule, target: str = "agent:dev", level: str = "", role: str = "") -> str:
    question = Question(
        verb="task.submit", principal="operator:uid:0", target=target, level=level, role=role
    )
    decision = compile_rules(rules).decide(question)
    return f"{'yes' if decision.allowed else 'no'}: {decision.rule}"


def test_nothing_is_allowed_by_default() -> None:
    assert ask() == "no: default-deny"


def test_the_first_allow_decides() -> None:
    later = AccessRule(name="later", effect=Effect.ALLOW, verb="*", principal="*")
    assert ask(ALLOW, later) == "yes: operators dispatch"


def test_a_deny_wins_wherever_it_stands() -> None:
    assert ask(ALLOW, DENY, target="agent:vault") == "no: not to the vault"
    assert ask(DENY, ALLOW, target="agent:vault") == "no: not to the vault"


def test_a_pattern_matches_whole_names_only() -> None:
    narrow = AccessRule(
        name="one", effect=Effect.ALLOW, verb="task.submit", principal="*", target="agent:agent-1"
    )
    assert ask(narrow, target="agent:agent-1") == "yes: one"
    assert ask(narrow, target="agent:agent-10") == "no: default-deny"
    assert ask(narrow, target="agent:agent-1\n") == "no: default-deny"


def test_a_role_names_all_who_have_it() -> None:
    admins = AccessRule(name="admins", effect=Effect.ALLOW, verb="*", principal="role:admin")
    assert ask(admins, role="admin") == "yes: admins"
    assert ask(admins, role="viewer") == "no: default-deny"
    assert ask(admins) == "no: default-deny"


def test_levels_narrow_a_rule() -> None:
    low = AccessRule(
        name="low", effect=Effect.ALLOW, verb="*", principal="*", levels=("public", "internal")
    )
    assert ask(low, level="internal") == "yes: low"
    assert ask(low, level="restricted") == "no: default-deny"
    assert ask(low) == "no: default-deny"


def test_an_explanation_says_why_each_rule_did_not_match() -> None:
    question = Question(verb="task.submit", principal="operator:uid:0", target="agent:dev")
    decision, judged = explain(compile_rules([ALLOW, DENY]), question)
    assert decision.rule == "operators dispatch"
    assert [(each.rule, each.why_not, each.decided) for each in judged] == [
        ("not to the vault", "target agent:dev is not agent:vault", False),
        ("operators dispatch", "", True),
    ]
