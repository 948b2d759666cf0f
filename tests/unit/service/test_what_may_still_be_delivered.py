"""At delivery a message is judged once more: by the fleet in force, and by what the container was born with."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.model.fleet import DesiredState, Generation
from agentctl.model.instance import Instance, InstanceState
from agentctl.model.message import Letter, MessageType
from agentctl.service.context import Fleet
from agentctl.service.mail import verdict
from agentctl.service.mailboxes import Fate
from tests.fakes.fleet import PRIVATE, PUBLIC
from tests.fakes.talk import DEVELOPER, PUBLISHING, talkers

BORN = Instance(
    id="inst-1",
    agent="developer",
    host="local",
    replica=0,
    spec="s",
    provider="ollama",
    boundary="private",
    label="confidential",
    generation=1,
    state=InstanceState.RUNNING,
    created_at_s=0.0,
)
EVENT = Letter(
    id="msg-1",
    type=MessageType.EVENT,
    sender="researcher",
    sender_instance="inst-2",
    label="confidential",
    payload={},
    bytes=1,
    sent_at_s=0.0,
    expires_s=1.0,
)


def fate(
    *, desired: DesiredState | None = None, letter: Letter = EVENT, born: Instance = BORN
) -> tuple[Fate, str]:
    generation = Generation(number=1, digest="d", desired=desired or talkers())
    return verdict(Fleet.of(generation), letter, born, frozenset({("task-1", 1)}))


def test_what_may_go_is_given() -> None:
    assert fate() == (Fate.GIVE, "")


@pytest.mark.parametrize(
    ("born", "why"),
    [
        ({"label": "internal"}, "the container's label is internal, the message is confidential"),
        ({"label": ""}, "the container's label is , the message is confidential"),
        ({"boundary": "public"}, "confidential may not cross boundary public"),
        ({"boundary": ""}, "confidential may not cross boundary "),
    ],
)
def test_what_a_container_was_born_with_keeps_a_message_from_it(
    born: dict[str, Any], why: str
) -> None:
    """The agent itself may have it: so a request waits for another container, the rest is withdrawn."""
    assert fate(born=replace(BORN, **born)) == (Fate.WITHDRAW, why)
    request = replace(EVENT, type=MessageType.REQUEST)
    assert fate(born=replace(BORN, **born), letter=request) == (Fate.LEAVE, why)


def test_a_boundary_that_has_become_narrower_withdraws_what_the_container_could_hold() -> None:
    narrower = replace(talkers(), providers=(replace(PRIVATE, boundary="public"), PUBLIC))
    why = "confidential may not cross boundary public"
    assert fate(desired=narrower) == (Fate.WITHDRAW, why)
    request = replace(EVENT, type=MessageType.REQUEST)
    assert fate(desired=narrower, letter=request) == (Fate.WITHDRAW, why)


def test_a_level_that_is_no_longer_declared_goes_nowhere() -> None:
    levels = replace(talkers().routing, levels=("public", "internal", "restricted"))
    assert fate(desired=replace(talkers(), routing=levels))[0] is Fate.WITHDRAW


def test_an_agent_whose_clearance_fell_gets_no_more_of_it() -> None:
    lowered = talkers(replace(DEVELOPER, clearance="internal"), PUBLISHING)
    assert fate(desired=lowered) == (
        Fate.WITHDRAW,
        "developer is cleared for internal, the message is confidential",
    )


def test_the_hubs_own_messages_need_no_declared_sender() -> None:
    gone = replace(EVENT, sender="gone")
    assert fate(letter=gone) == (Fate.WITHDRAW, "its sender gone is no longer declared")
    assert fate(letter=replace(gone, sender_instance="")) == (Fate.GIVE, "")


def test_what_is_for_one_attempt_goes_to_no_other() -> None:
    assert fate(letter=replace(EVENT, for_attempt=("task-1", 1))) == (Fate.GIVE, "")
    for other in (("task-1", 2), ("task-2", 1)):
        assert fate(letter=replace(EVENT, for_attempt=other))[0] is Fate.WITHDRAW
