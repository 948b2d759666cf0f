"""What an agent can make the hub write, and what a task may spend, has a bound."""

from typing import Any

import pytest

from agentctl.errors import Refused, Unauthenticated
from agentctl.model.budget import Budget
from agentctl.model.journal import Line
from agentctl.model.task import NewTask
from agentctl.service import model_calls, refusals
from agentctl.service.poll import poll
from agentctl.service.refusals import Refusals
from agentctl.service.submit import submit
from agentctl.store import journal
from tests.unit.service.conftest import ADMIN, HubAtHand


def call(at: HubAtHand, token: str, **changed: Any) -> dict[str, Any]:
    body = {
        "token": token,
        "container": "c-1",
        "provider": "ollama",
        "path": "/v1/messages",
        "model": "qwen3",
        **changed,
    }
    return model_calls.open_call(at.hub, body)


def token_of(at: HubAtHand, new: NewTask) -> str:
    submit(at.hub, new, ADMIN)
    who = at.born("researcher", container="c-1")
    given = poll(at.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    return str(given[0]["payload"]["model_token"])


def refused_lines(at: HubAtHand) -> list[Line]:
    with at.hub.store.read() as txn:
        lines = journal.read(txn, after=0, limit=10_000)
    return [each for each in lines if each.entry.kind == "model.refused"]


def provoke(at: HubAtHand, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            call(at, "mt1.forged")


def test_a_flood_of_refused_calls_writes_few_lines_and_the_next_says_how_many_there_were(
    at_hand: HubAtHand,
) -> None:
    provoke(at_hand, refusals.OF_A_CONTAINER_MAX + 30)
    assert len(refused_lines(at_hand)) == refusals.OF_A_CONTAINER_MAX
    at_hand.clock.advance(refusals.PERIOD_S)
    provoke(at_hand, 1)
    assert refused_lines(at_hand)[-1].entry.facts["unwritten"] == "30"


def test_many_containers_together_have_a_bound_too() -> None:
    seen = Refusals()
    names = [f"c-{number}" for number in range(3 * refusals.CONTAINERS_MAX)]
    written = [seen.take(each, now_s=1.0) for each in names]
    assert sum(each is not None for each in written) == refusals.OF_ALL_MAX


def test_one_containers_flood_takes_no_other_containers_lines() -> None:
    seen = Refusals()
    for _ in range(1000):
        seen.take("c-1", now_s=1.0)
    assert seen.take("c-2", now_s=1.0) == 0


def test_a_task_whose_token_budget_is_spent_makes_no_more_calls(at_hand: HubAtHand) -> None:
    """agentd stops the CLI at the budget; what is in the container may have stopped agentd's counting."""
    token = token_of(at_hand, NewTask(prompt="x", budget=Budget(tokens=100)))
    opened = call(at_hand, token)["call"]
    model_calls.usage(at_hand.hub, opened, {"input_tokens": 60, "output_tokens": 40})
    with pytest.raises(Refused, match="budget of 100 tokens is spent"):
        call(at_hand, token)


def test_a_task_makes_a_bounded_number_of_calls(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_calls, "TASK_CALLS_MAX", 2)
    token = token_of(at_hand, NewTask(prompt="x"))
    for _ in range(2):
        model_calls.usage(at_hand.hub, call(at_hand, token)["call"], {})
    with pytest.raises(Refused, match="2 model calls"):
        call(at_hand, token)
