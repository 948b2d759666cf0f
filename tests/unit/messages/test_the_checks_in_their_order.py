"""What judge makes of an envelope, from values alone."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.messages import (
    Box,
    Delivery,
    Facts,
    Fellow,
    Recipient,
    Rejection,
    Sender,
    compiled,
    judge,
)
from agentctl.model.decision import Decision, Question
from agentctl.model.message import HOPS_MAX, Asked, CheckName, Envelope, Filter, MessageType
from agentctl.routing import Levels
from agentctl.service.kinds import built_in
from tests.fakes.fleet import ROUTING

LOW = Fellow(name="low", clearance="internal", boundary="public", subscribes=("t",))
HIGH = Fellow(
    name="high",
    clearance="restricted",
    boundary="private",
    subscribes=("t",),
    labels=(("a", "1"), ("b", "2")),
    capabilities=("x", "y"),
)
ME = Fellow(name="me", clearance="confidential", boundary="private")
BOXES = {
    "low": (Box(instance="low-1", label="internal", boundary="public"),),
    "high": (
        Box(instance="high-1", label="restricted", boundary="private"),
        Box(instance="high-2", label="internal", boundary="private"),
    ),
    "me": (Box(instance="me-1", label="confidential", boundary="private"),),
}
SENDER = Sender(agent="me", instance="me-1", label="confidential", publishes=("t",))
ASKED = Asked(message="msg-1", agent="high", instance="high-1", attempt=("t", 1), expires_s=1.0)


def yes(_question: Question) -> Decision:
    return Decision(allowed=True, rule="yes", reason="allowed")


def facts(**changed: Any) -> Facts:
    given: dict[str, Any] = {
        "fellows": {each.name: each for each in (HIGH, LOW, ME)},
        "boxes": lambda agent: BOXES[agent],
        "kinds": {each.name: compiled(each) for each in built_in()},
        "levels": Levels.of(ROUTING),
        "decide": yes,
    }
    return Facts(**(given | changed))


def envelope(type_: str, **changed: Any) -> Envelope:
    given: dict[str, Any] = {
        "id": "m",
        "type": MessageType(type_),
        "task": "task-1",
        "attempt": 1,
        "payload": {"text": "x"},
    }
    return Envelope(**(given | changed))


def to(found: Delivery | Rejection) -> list[str]:
    assert isinstance(found, Delivery), found
    return [each.instance or each.agent for each in found.recipients]


def check(found: Delivery | Rejection) -> str:
    assert isinstance(found, Rejection), found
    return found.check


def test_equal_arguments_give_equal_answers() -> None:
    asked = envelope("event", to_topic="t")
    at = facts()
    assert judge(asked, SENDER, at) == judge(asked, SENDER, at)


def test_a_request_goes_to_the_agents_queue() -> None:
    found = judge(envelope("request", to_agent="high"), SENDER, facts())
    assert isinstance(found, Delivery)
    assert (found.recipients, found.hops) == ((Recipient(agent="high"),), 1)


def test_a_reply_goes_to_the_one_container_that_asked() -> None:
    found = judge(envelope("reply", to_message="msg-1"), SENDER, facts(asked=ASKED))
    assert to(found) == ["high-1"]


def test_of_an_agents_containers_those_born_lower_are_left_out() -> None:
    found = judge(envelope("event", to_topic="t"), SENDER, facts())
    assert to(found) == ["high-1"]
    assert isinstance(found, Delivery)
    assert found.left_out == 2  # the agent low, and the container high-2


@pytest.mark.parametrize(
    ("label", "there"),
    [
        ("public", ["high-1", "high-2", "low-1"]),
        ("internal", ["high-1", "high-2", "low-1"]),
        ("confidential", ["high-1"]),
        ("restricted", ["high-1"]),
    ],
)
def test_each_level_reaches_what_may_hold_it(label: str, there: list[str]) -> None:
    found = judge(envelope("event", to_topic="t"), replace(SENDER, label=label), facts())
    assert to(found) == there


@pytest.mark.parametrize("label", ["", "secret", "INTERNAL", "internal\n"])
def test_an_unknown_level_reaches_nobody(label: str) -> None:
    for asked in (envelope("event", to_topic="t"), envelope("request", to_agent="high")):
        assert check(judge(asked, replace(SENDER, label=label), facts())) == "label"


@pytest.mark.parametrize(
    "changed",
    [{"clearance": "internal"}, {"boundary": "public"}, {"boundary": ""}, {"clearance": "x"}],
)
def test_clearance_and_boundary_each_bar_a_request(changed: dict[str, Any]) -> None:
    barred = replace(HIGH, **changed)
    found = judge(
        envelope("request", to_agent="high"), SENDER, facts(fellows={"me": ME, "high": barred})
    )
    assert check(found) == "label"


@pytest.mark.parametrize(
    "box",
    [
        Box(instance="high-1", label="internal", boundary="private"),
        Box(instance="high-1", label="restricted", boundary="public"),
    ],
)
def test_what_a_container_was_born_with_bars_a_reply(box: Box) -> None:
    at = facts(asked=ASKED, boxes=lambda _agent: (box,))
    assert check(judge(envelope("reply", to_message="msg-1"), SENDER, at)) == "label"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(agents=("h*",)), ["high-1"]),
        (Filter(labels=(("a", "1"),)), ["high-1"]),
        (Filter(labels=(("a", "1"), ("b", "2"))), ["high-1"]),
        (Filter(capabilities=("x", "y"), agents=("*",)), ["high-1"]),
    ],
)
def test_a_filter_is_met_as_a_whole(wanted: Filter, found: list[str]) -> None:
    assert to(judge(envelope("broadcast", to_filter=wanted), SENDER, facts())) == found


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(agents=("hig",)),
        Filter(labels=(("a", "2"),)),
        Filter(labels=(("a", "1"), ("c", "3"))),
        Filter(capabilities=("x", "z")),
        Filter(capabilities=("x",), agents=("low",)),
    ],
)
def test_a_filter_that_nobody_meets_is_out_of_scope(wanted: Filter) -> None:
    assert check(judge(envelope("broadcast", to_filter=wanted), SENDER, facts())) == "scope"


def test_of_a_broadcast_policy_and_label_each_take_their_part() -> None:
    def no_high(question: Question) -> Decision:
        return Decision(allowed=question.target != "agent:high", rule="r", reason="r")

    wanted = envelope("broadcast", to_filter=Filter(agents=("*",)))
    low = replace(SENDER, label="internal")
    assert to(judge(wanted, low, facts(decide=no_high))) == ["low-1"]
    assert check(judge(wanted, replace(SENDER, label="restricted"), facts(decide=no_high))) == (
        "label"
    )
    never = facts(decide=lambda _question: Decision(allowed=False, rule="no", reason="no"))
    assert check(judge(wanted, low, never)) == "scope"


def test_each_check_comes_before_the_next() -> None:
    """The same message, mended check by check."""
    high_hops = replace(SENDER, hops=HOPS_MAX)
    bad = envelope("request", to_agent="low", payload={})
    assert check(judge(bad, high_hops, facts())) == CheckName.SCHEMA
    mended = replace(bad, payload={"text": "x"})
    assert check(judge(mended, high_hops, facts())) == CheckName.SCOPE
    assert check(judge(mended, SENDER, facts())) == CheckName.LABEL
    assert to(judge(mended, replace(SENDER, label="internal"), facts())) == ["low"]


@pytest.mark.parametrize("hops", [HOPS_MAX, HOPS_MAX + 5])
def test_what_would_be_a_hop_too_far_is_refused_and_a_reply_is_none(hops: int) -> None:
    far = replace(SENDER, hops=hops)
    for asked in (
        envelope("request", to_agent="high"),
        envelope("event", to_topic="t"),
        envelope("broadcast", to_filter=Filter(agents=("*",))),
    ):
        found = judge(asked, far, facts())
        assert isinstance(found, Rejection)
        assert found.rule == "hops"
    assert to(judge(envelope("reply", to_message="msg-1"), far, facts(asked=ASKED)))


def test_a_sender_that_is_no_longer_declared_says_nothing() -> None:
    found = judge(envelope("request", to_agent="high"), SENDER, facts(fellows={"high": HIGH}))
    assert (check(found), found.reason) == ("scope", "me is no longer declared")  # type: ignore[union-attr]
