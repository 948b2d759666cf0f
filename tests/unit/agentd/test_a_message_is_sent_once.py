"""One id for one message: over the tries of a call, and over calls that say the same while it is unsettled."""

from typing import Any

import pytest

from agentd.door import Interrupted, Line
from agentd.hub import Hub
from agentd.hub_errors import HubAway, HubRefused
from agentd.identity import Identity
from agentd.mcp.cancellation import Cancellation, Ended
from agentd.mcp.refusal import Refusal
from agentd.mcp.sending import TRIES, UNSETTLED_MAX, Sender
from tests.unit.agentd.test_nothing_runs_unconfirmed import JOB

AWAY = HubAway("away", retry_after_s=0.0)


class _Hub(Hub):
    """Answers as told, and notes the ids of what came."""

    def __init__(self) -> None:
        line = Line("/nowhere")
        super().__init__(line, Identity(line, "it1.x.y"))
        self.answers: list[Exception] = []
        self.ids: list[str] = []

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        self.ids.append(message["id"])
        if self.answers:
            raise self.answers.pop(0)
        return {"message": f"msg-{len(set(self.ids))}"}


def say(sender: Sender, text: str) -> str:
    answer = sender.send({"type": "event", "payload": {"text": text}}, Cancellation())
    return str(answer["message"])


@pytest.fixture
def hub() -> _Hub:
    return _Hub()


@pytest.fixture
def sender(hub: _Hub) -> Sender:
    return Sender(JOB, lambda: hub)


def test_every_message_has_an_id_of_its_own(hub: _Hub, sender: Sender) -> None:
    say(sender, "one")
    say(sender, "one")
    assert len(set(hub.ids)) == 2


def test_the_tries_of_a_call_are_one_message(hub: _Hub, sender: Sender) -> None:
    hub.answers = [AWAY, AWAY]
    say(sender, "one")
    assert len(hub.ids) == 3
    assert len(set(hub.ids)) == 1


def test_what_got_no_answer_goes_under_its_id_when_it_is_said_again(
    hub: _Hub, sender: Sender
) -> None:
    hub.answers = [AWAY] * TRIES
    with pytest.raises(Refusal, match="not done twice"):
        say(sender, "one")
    say(sender, "another")
    say(sender, "one")
    first = hub.ids[0]
    assert hub.ids == [*([first] * TRIES), hub.ids[TRIES], first]
    assert hub.ids[TRIES] != first


def test_once_it_is_answered_the_same_words_are_a_new_message(hub: _Hub, sender: Sender) -> None:
    hub.answers = [AWAY] * TRIES
    with pytest.raises(Refusal):
        say(sender, "one")
    say(sender, "one")
    say(sender, "one")
    assert len(set(hub.ids)) == 2


def test_a_refused_message_is_not_kept(hub: _Hub, sender: Sender) -> None:
    hub.answers = [HubRefused(403, "no")]
    with pytest.raises(Refusal):
        say(sender, "one")
    say(sender, "one")
    assert len(set(hub.ids)) == 2


def test_what_was_broken_off_goes_under_its_id_too(hub: _Hub, sender: Sender) -> None:
    hub.answers = [Interrupted()]
    with pytest.raises(Ended):
        say(sender, "one")
    say(sender, "one")
    assert len(set(hub.ids)) == 1


def test_what_is_kept_is_bounded(hub: _Hub, sender: Sender) -> None:
    hub.answers = [Interrupted() for _ in range(UNSETTLED_MAX + 1)]
    for number in range(UNSETTLED_MAX + 1):
        with pytest.raises(Ended):
            say(sender, f"{number}")
    say(sender, "0")
    assert hub.ids[-1] != hub.ids[0]
