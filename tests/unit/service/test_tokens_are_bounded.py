"""Operators' tokens: forgotten a while after they expired, and never more than so many."""

import pytest

from agentctl.errors import Conflict
from agentctl.service import tokens
from tests.unit.service.conftest import ADMIN, HubAtHand


def make(at: HubAtHand, ttl_s: float) -> str:
    return str(tokens.create(at.hub, ADMIN, name="x", role="viewer", ttl_s=ttl_s)["id"])


def ids(at: HubAtHand) -> list[str]:
    return [each["id"] for each in tokens.listed(at.hub, ADMIN)["tokens"]]


def test_an_expired_one_is_shown_for_a_month_and_then_forgotten(at_hand: HubAtHand) -> None:
    old = make(at_hand, 60.0)
    at_hand.clock.advance(60.0 + tokens.EXPIRED_KEPT_S)
    newer = make(at_hand, 60.0)
    assert ids(at_hand) == [old, newer]
    at_hand.clock.advance(1.0)
    newest = make(at_hand, 60.0)
    assert ids(at_hand) == [newer, newest]


def test_there_are_so_many_and_no_more(at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "TOKENS_MAX", 3)
    for _ in range(3):
        make(at_hand, 60.0)
    with pytest.raises(Conflict, match="3 tokens already"):
        make(at_hand, 60.0)
    assert len(ids(at_hand)) == 3
    at_hand.clock.advance(61.0 + tokens.EXPIRED_KEPT_S)
    assert make(at_hand, 60.0) in ids(at_hand)
