"""Converged isn't usable: apply says which providers have no key, once the gateway has looked."""

from dataclasses import replace
from typing import Any, cast

from agentctl.cli import keyless
from agentctl.client import Hub
from agentctl.errors import HubUnavailable
from agentctl.model.fleet import DesiredState, Source, SourceKind
from tests.fakes.fleet import fleet

WHY = "key file /etc/opus is missing"
LATE = {"keys_looked_at": 1, "unusable": {}}
LOOKED = {"keys_looked_at": 2, "unusable": {"opus": WHY}}


def keyed() -> DesiredState:
    key = Source(kind=SourceKind.FILE, name="/etc/opus")
    return replace(
        fleet(), providers=tuple(replace(each, api_key=key) for each in fleet().providers)
    )


class Statuses:
    """A hub whose status is each of these in turn, the last one forever; time passes by waiting."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.now_s = 0.0
        self.asked = 0

    def get(self, _path: str) -> dict[str, Any]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def unusable(self, desired: DesiredState | None = None) -> dict[str, str]:
        return dict(
            keyless.unusable(
                cast("Hub", self), desired or keyed(), 2, now_s=lambda: self.now_s, wait=self.wait
            )
        )


def test_it_waits_until_the_gateway_has_looked_at_this_generation() -> None:
    assert Statuses(LATE, LATE, LOOKED).unusable() == {"opus": WHY}


def test_a_gateway_that_never_looks_holds_nobody_up() -> None:
    hub = Statuses(LATE)
    assert hub.unusable() == {}
    assert keyless.LOOKED_WITHIN_S <= hub.now_s < keyless.LOOKED_WITHIN_S + 1


def test_a_hub_that_goes_away_meanwhile_is_no_failure_of_what_was_applied() -> None:
    assert Statuses(LATE, HubUnavailable("away")).unusable() == {}


def test_a_fleet_without_keys_is_not_waited_for() -> None:
    hub = Statuses(LATE)
    assert all(each.api_key is None for each in fleet().providers)
    assert hub.unusable(fleet()) == {}
    assert hub.asked == 0


def test_the_notes_name_provider_and_cause() -> None:
    assert keyless.notes({"opus": WHY}) == (
        f"provider opus is unusable: {WHY}; work for its agents is held",
    )
