"""A generation may be applied between any two steps of a container's or a task's life."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import Conflict
from agentctl.model.fleet import DesiredState
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import NewTask
from agentctl.service import instances
from agentctl.service import submit as submitting
from agentctl.service.context import Fleet
from agentctl.service.poll import poll
from agentctl.service.submit import submit
from tests.fakes.fleet import PRIVATE, PUBLIC, RESEARCHER, ROUTING, THINKER, fleet
from tests.unit.service.conftest import ADMIN, HubAtHand

ANY = replace(ROUTING, routes=())
NARROWER = replace(ANY, boundaries=(("public", "internal"), ("private", "internal")))
LOWERED = replace(RESEARCHER, clearance="internal")


def ask(at: HubAtHand, who: AgentPrincipal) -> list[dict[str, Any]]:
    return poll(at.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)


@pytest.mark.parametrize(
    "after",
    [
        fleet(THINKER, routing=ANY),
        fleet(
            replace(RESEARCHER, provider="opus", clearance="internal"),
            providers=(PUBLIC,),
            routing=ANY,
        ),
        fleet(replace(RESEARCHER, ttl_s=60.0), THINKER),
    ],
    ids=["the agent is gone", "the provider is gone", "the spec is another"],
)
def test_what_is_no_longer_declared_gets_no_boot_document(
    at_hand: HubAtHand, after: DesiredState
) -> None:
    reserved = at_hand.reserve("researcher")
    at_hand.apply(after)
    with pytest.raises(Conflict, match=r"not declared|another spec"):
        instances.bind(at_hand.hub, reserved["instance"], "container-1")


def test_a_lost_assignment_isnt_repeated_across_a_boundary_that_was_narrowed(
    at_hand: HubAtHand,
) -> None:
    task, _ = submit(at_hand.hub, NewTask(prompt="confidential words"), ADMIN)
    who = at_hand.born("researcher")
    assert [each["task"] for each in ask(at_hand, who)] == [task.id]  # and the answer got lost
    at_hand.apply(fleet(LOWERED, providers=(PRIVATE, PUBLIC), routing=NARROWER))
    assert ask(at_hand, who) == []


def test_a_lost_assignment_isnt_repeated_to_an_agent_that_is_no_longer_declared(
    at_hand: HubAtHand,
) -> None:
    submit(at_hand.hub, NewTask(prompt="words"), ADMIN)
    who = at_hand.born("researcher")
    assert ask(at_hand, who)
    at_hand.apply(fleet(THINKER, routing=ANY))
    assert ask(at_hand, who) == []


def test_the_newest_generation_stays_in_force_when_an_older_apply_is_late(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two applies whose threads are woken in the other order than their writes."""
    written, go_on = threading.Event(), threading.Event()
    compiled = Fleet.of

    def slow(generation: Any) -> Fleet:
        if generation.number == 2:
            written.set()
            assert go_on.wait(10)
        return compiled(generation)

    monkeypatch.setattr(Fleet, "of", slow)
    late = threading.Thread(target=lambda: at_hand.apply(fleet(THINKER, routing=ANY), expected=1))
    late.start()
    assert written.wait(10)
    newer = threading.Thread(target=lambda: at_hand.apply(fleet(LOWERED, routing=ANY), expected=2))
    newer.start()
    newer.join(0.3)
    go_on.set()
    late.join(10)
    newer.join(10)
    assert at_hand.hub.fleet is not None
    assert at_hand.hub.fleet.generation.number == 3


def test_a_submit_is_routed_by_the_generation_in_force_when_it_is_written(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would wait for an agent that is gone, and nothing would look at it again."""
    checked = submitting._check

    def applied_meanwhile(new: NewTask, fleet_seen: Fleet) -> None:
        checked(new, fleet_seen)
        at_hand.apply(fleet(replace(RESEARCHER, name="scholar"), routing=ANY))

    monkeypatch.setattr(submitting, "_check", applied_meanwhile)
    task, _ = submit(at_hand.hub, NewTask(prompt="words"), ADMIN)
    assert task.agent == "scholar"
