"""The watchdog: told once when the hub is silent for too long, once when it is back, by nobody else's clock."""

from typing import Any

import pytest

from agentctl.cli import run
from agentctl.cli.watchdog import Watchdog
from agentctl.errors import HubUnavailable, Unauthenticated
from tests.fakes.clock import ManualClock


class Dog:
    """A watchdog whose hub is what a test says it is."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.answer: Exception | None = None
        self.told: list[dict[str, Any]] = []
        self.dog = Watchdog(
            ask=self._ask,
            tell=self.told.append,
            limit_s=30.0,
            now_s=self.clock.boot_s,
            wall_s=self.clock.wall_s,
        )

    def _ask(self) -> None:
        if self.answer is not None:
            raise self.answer

    def look(self, answer: Exception | None, *, times: int) -> list[str]:
        self.answer = answer
        for _ in range(times):
            self.dog.look()
            self.clock.advance(5.0)
        return [f"{each['state']}: {each['words']}" for each in self.told]


AWAY = HubUnavailable("the hub at /run/x does not answer (there is no such socket)")


@pytest.fixture
def dog() -> Dog:
    return Dog()


def test_a_silence_is_told_once_when_it_is_too_long(dog: Dog) -> None:
    assert dog.look(AWAY, times=6) == []
    said = dog.look(AWAY, times=20)
    assert len(said) == 1
    assert said[0].startswith("firing: the hub at /run/x does not answer")


def test_its_return_is_told_with_how_long_it_was_away(dog: Dog) -> None:
    dog.look(AWAY, times=12)
    assert dog.look(None, times=3)[1:] == ["resolved: the hub answers again, after 60 s"]
    assert dog.told[1]["first_s"] == dog.told[0]["since_s"]


def test_a_short_absence_is_not_told_and_does_not_add_up(dog: Dog) -> None:
    for _ in range(10):
        dog.look(AWAY, times=5)
        dog.look(None, times=1)
    assert dog.told == []


def test_a_hub_that_refuses_is_there(dog: Dog) -> None:
    assert dog.look(Unauthenticated("no token"), times=50) == []


def test_the_wall_clock_may_jump(dog: Dog) -> None:
    dog.clock.wall += 3600.0
    assert dog.look(AWAY, times=3) == []


@pytest.mark.parametrize(
    "option", [("--webhook", "ftp://a/"), ("--command", ""), ("--command", "'open")]
)
def test_an_option_that_could_tell_nobody_is_refused_before_it_watches(
    option: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["watchdog", *option]) == 2
    assert option[0] in capsys.readouterr().err
