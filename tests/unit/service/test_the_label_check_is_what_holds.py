"""With the label check off, what the other tests forbid happens: so they would turn red."""

import pytest

from agentctl.messages import label
from agentctl.service import mail
from tests.fakes.talk import LISTENING, PUBLISHING, Talker, at_work, refused, talkers
from tests.unit.service.conftest import HubAtHand


@pytest.fixture
def office(bare: HubAtHand) -> HubAtHand:
    bare.apply(talkers(PUBLISHING, LISTENING))
    return bare


@pytest.fixture
def unguarded(office: HubAtHand, monkeypatch: pytest.MonkeyPatch) -> HubAtHand:
    for module, name in (
        *((label, "above_agent"), (label, "above_box")),
        *((mail, "_no_more"), (mail, "_above")),
    ):
        monkeypatch.setattr(module, name, lambda *_: "")
    return office


def both(at: HubAtHand) -> tuple[Talker, Talker]:
    """Return a confidential sender, and a listener in front of the public model."""
    return at_work(at, "researcher", sensitivity="confidential"), at_work(at, "thinker")


def test_with_it_a_confidential_word_is_refused_and_heard_by_nobody(office: HubAtHand) -> None:
    sender, outside = both(office)
    with refused("label", 403):
        sender.request("thinker", "CANARY")
    with refused("label", 403):
        sender.event(text="CANARY")
    assert outside.poll() == []


def test_without_it_the_word_is_out(unguarded: HubAtHand) -> None:
    sender, outside = both(unguarded)
    sender.request("thinker", "CANARY")
    sender.event(text="CANARY")
    assert sorted(outside.texts()) == ["CANARY", "CANARY"]
