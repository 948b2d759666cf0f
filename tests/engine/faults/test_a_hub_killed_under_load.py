"""A hub killed at any instant: nothing acknowledged is lost, nothing settles twice, retries agree."""

import os

import pytest

from tests.engine.faults import cycles

CYCLES = int(os.environ.get("AGENTCTL_TEST_HUB_KILLS", "200"))


@pytest.mark.timeout(300)
def test_two_hundred_kills_under_load_lose_nothing_and_settle_nothing_twice() -> None:
    tally = cycles.run(CYCLES)
    assert tally.wrong == ()
    assert tally.acknowledged > CYCLES
    assert tally.settled == tally.acknowledged
    assert tally.repeats > 0
    assert tally.stale_refused > 0


@pytest.mark.timeout(120)
def test_the_same_holds_for_the_command_itself() -> None:
    """The hubs above are forked from one interpreter; these are `agentctl hub`, each in its own."""
    tally = cycles.run(8, executed=True)
    assert tally.wrong == ()
    assert tally.settled == tally.acknowledged > 0
