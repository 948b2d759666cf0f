"""Whatever an OPA server answers: nothing is allowed that the rules don't allow, and silence allows nothing."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.decision import Question
from agentctl.model.fleet import AccessRule, Generation, Opa
from agentctl.opa import Allowed, Answer, Denied, NoAnswer
from agentctl.opa.answer import read
from agentctl.service.context import Fleet
from agentctl.service.narrowing import Say, Unanswered
from tests.fakes.fleet import fleet
from tests.property.test_policy_decides_soundly import question, rules

answers = st.one_of(
    st.just(Allowed()), st.builds(Denied, reason=st.text(max_size=9)), st.just(NoAnswer(why="away"))
)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["result", "allow", "reason", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def say(access: list[AccessRule], answer: Answer, *, enabled: bool = True) -> Say:
    desired = replace(fleet(access=tuple(access)), opa=Opa(enabled=enabled))
    of = Fleet.of(Generation(number=1, digest="", desired=desired))
    return Say(of, lambda *_: answer)


@given(rules, question, answers)
def test_what_both_allow_the_rules_allow(
    access: list[AccessRule], asked: Question, answer: Answer
) -> None:
    by_rules = say(access, answer, enabled=False).decide(asked)
    try:
        both = say(access, answer).decide(asked)
    except Unanswered:
        assert by_rules.allowed
        assert isinstance(answer, NoAnswer)
        return
    assert both.allowed == (by_rules.allowed and isinstance(answer, Allowed))
    if not by_rules.allowed:
        assert both == by_rules  # it wasn't even asked


@given(rules, question, answers)
def test_what_a_rule_takes_back_stays_taken_back(
    access: list[AccessRule], asked: Question, answer: Answer
) -> None:
    by_rules = say(access, answer, enabled=False).takes_back(asked)
    try:
        both = say(access, answer).takes_back(asked)
    except Unanswered:
        assert by_rules is None
        assert isinstance(answer, NoAnswer)
        return
    assert (both is None) == (by_rules is None and isinstance(answer, Allowed))


@given(json, st.sampled_from([200, 200, 201, 204, 302, 404, 500]))
def test_no_document_is_a_yes_but_the_one(document: object, status: int) -> None:
    from json import dumps

    result = document.get("result") if isinstance(document, dict) else None
    allow = result.get("allow") if isinstance(result, dict) else None
    said = read(status, dumps(document).encode())
    assert isinstance(said, Allowed) == (status == 200 and allow is True)


@given(st.binary(max_size=200))
def test_bytes_from_anywhere_are_read_without_an_error(body: bytes) -> None:
    assert isinstance(read(200, body), Allowed | Denied | NoAnswer)
