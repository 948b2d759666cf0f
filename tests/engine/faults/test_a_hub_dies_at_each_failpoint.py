"""A hub that dies, fails or dawdles right before and right after each commit keeps all its promises."""

import pytest

from agentctl import failpoints
from tests.engine.faults import cycles

HUB = sorted(each for each in failpoints.NAMES if not each.startswith("execute."))


@pytest.mark.parametrize("name", HUB)
def test_it_dies_there_and_nothing_is_lost_or_settled_twice(name: str) -> None:
    tally = cycles.run(3, failpoints=f"{name}=kill@6")
    assert tally.wrong == ()
    assert tally.settled == tally.acknowledged > 0


@pytest.mark.parametrize("name", HUB)
def test_it_fails_there_and_nothing_is_lost_or_settled_twice(name: str) -> None:
    tally = cycles.run(4, failpoints=f"{name}=error@4")
    assert tally.wrong == ()
    assert tally.settled == tally.acknowledged > 0


def test_it_dawdles_everywhere_and_nothing_is_lost_or_settled_twice() -> None:
    tally = cycles.run(6, failpoints=",".join(f"{name}=delay:0.03" for name in HUB))
    assert tally.wrong == ()
    assert tally.settled == tally.acknowledged > 0
