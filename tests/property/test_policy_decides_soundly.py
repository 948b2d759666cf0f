"""Whatever the rules: a deny never allows more, the order of allows changes no answer, words agree."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.decision import Question
from agentctl.model.fleet import AccessRule, Effect, Window
from agentctl.policy import DEFAULT_DENY, compile_rules, explain
from agentctl.policy.matrix import Act, matrix

VERBS = ("task.submit", "message.send")
LEVELS = ("public", "restricted")
few = st.sampled_from
pattern = few(
    ["*", "*", "*", "agent:*", "agent:a", "agent:a?", "operator:*", "operator:[xy]", "role:admin"]
)
label = few([("bulk", "true"), ("bulk", "no")])
window = st.builds(
    Window,
    zone=few(["UTC", "Asia/Tokyo", "No/Where"]),
    days=st.lists(few(["mon", "thu", "sun"]), max_size=2).map(tuple),
    since_min=st.integers(0, 1439),
    until_min=st.integers(1, 1440),
)
rule = st.builds(
    AccessRule,
    name=few(["r1", "r2", "r3"]),
    effect=few(list(Effect)),
    verb=few(["*", *VERBS]),
    principal=pattern,
    target=few(["*", "*", "agent:*", "agent:a", "agent:[ab]"]),
    types=st.lists(few(["request", "reply"]), max_size=1).map(tuple),
    levels=st.lists(few(LEVELS), max_size=1).map(tuple),
    capabilities=st.lists(few("cd"), max_size=1).map(tuple),
    labels=st.lists(label, max_size=1).map(tuple),
    window=st.none() | window,
)
rules = st.lists(rule, max_size=6).map(
    lambda found: [replace(each, name=f"r{at}") for at, each in enumerate(found)]
)
question = st.builds(
    Question,
    verb=few(VERBS),
    principal=few(["operator:x", "operator:z", "agent:a", "agent:ab"]),
    target=few(["agent:a", "agent:b", "agent:a\n", ""]),
    level=few([*LEVELS, ""]),
    type=few(["request", "reply", ""]),
    capabilities=few([(), ("c",), ("c", "d")]),
    labels=few([(), (("bulk", "true"),)]),
    role=few(["admin", "ci", ""]),
    at_s=st.none() | st.floats(0, 4e9),
)


@given(rules, rule, question, st.integers(0, 6))
def test_adding_a_deny_never_allows_more(
    rules: list[AccessRule], added: AccessRule, asked: Question, at: int
) -> None:
    deny = replace(added, name="added", effect=Effect.DENY)
    more = compile_rules([*rules[:at], deny, *rules[at:]]).decide(asked)
    assert compile_rules(rules).decide(asked).allowed or not more.allowed


@given(st.data(), rules, question)
def test_the_order_of_rules_never_changes_whether(
    data: st.DataObject, rules: list[AccessRule], asked: Question
) -> None:
    moved = data.draw(st.permutations(rules))
    assert compile_rules(rules).decide(asked).allowed == compile_rules(moved).decide(asked).allowed


@given(rules, question, st.none() | st.floats(0, 4e9))
def test_the_explanation_names_the_rule_that_decided(
    rules: list[AccessRule], asked: Question, earlier: float | None
) -> None:
    policy = compile_rules(rules)
    policy.decide(replace(asked, at_s=earlier))  # what was asked at another time must not show
    decision, judged = explain(policy, asked)
    deciding = [each for each in judged if each.decided]
    assert decision == policy.decide(asked)
    assert decision.rule == (deciding[0].rule if deciding else DEFAULT_DENY)
    assert decision.allowed == (bool(deciding) and deciding[0].effect is Effect.ALLOW)


@given(rules, question)
def test_what_the_matrix_says_without_reservation_is_what_is_decided(
    rules: list[AccessRule], asked: Question
) -> None:
    (cell,) = matrix(compile_rules(rules), [act_of(asked)])
    decided = compile_rules(rules).decide(asked)
    assert cell.allowed == decided.allowed or decided.rule in cell.unless


@given(rules, question)
def test_with_all_but_the_time_known_only_hours_are_reservations(
    rules: list[AccessRule], asked: Question
) -> None:
    known = replace(
        act_of(asked), type=asked.type, capabilities=asked.capabilities, labels=asked.labels
    )
    (cell,) = matrix(compile_rules(rules), [known])
    decided = compile_rules(rules).decide(asked)
    timed = {each.name for each in rules if each.window is not None}
    assert set(cell.unless) <= timed
    assert cell.allowed == decided.allowed or decided.rule in cell.unless
    if not timed:
        assert (cell.allowed, cell.rule) == (decided.allowed, decided.rule)


def act_of(asked: Question) -> Act:
    """Return the act that a question is one of, with nothing known but who, what and to whom."""
    return Act(
        verb=asked.verb,
        principal=(asked.principal, asked.role),
        target=asked.target,
        levels=(asked.level,),
    )
