"""Calls and bytes in flight are bounded, in all and for each container."""

import pytest

from agentctl.errors import Throttled, TooLarge, Unavailable
from agentctl.gateway.room import BODY_BYTES_MAX, Room


def test_a_container_has_its_share_and_others_have_theirs() -> None:
    room = Room(container_calls_max=2)
    places = [room.enter("a", 1), room.enter("a", 1)]
    with pytest.raises(Throttled):
        room.enter("a", 1)
    room.enter("b", 1)
    places[0].leave()
    room.enter("a", 1)


def test_calls_in_all_are_bounded() -> None:
    room = Room(calls_max=2)
    room.enter("a", 1)
    room.enter("b", 1)
    with pytest.raises(Unavailable, match="full"):
        room.enter("c", 1)


def test_bytes_in_flight_are_bounded_and_given_back() -> None:
    room = Room(bytes_max=100)
    place = room.enter("a", 60)
    with pytest.raises(Unavailable):
        room.enter("b", 41)
    place.leave()
    room.enter("b", 100)


def test_leaving_twice_gives_back_once() -> None:
    room = Room(calls_max=2)
    place = room.enter("a", 1)
    room.enter("b", 1)
    place.leave()
    place.leave()
    assert room.calls == 1


def test_one_body_has_a_bound_of_its_own() -> None:
    with pytest.raises(TooLarge):
        Room().enter("a", BODY_BYTES_MAX + 1)
