"""An agent's budget bounds each of its tasks, at the hand-out and at every model call."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import Refused
from agentctl.model.budget import Budget
from agentctl.model.fleet import Executor, Price, ProviderKind
from agentctl.model.task import NewTask, Task
from agentctl.service import model_calls, views
from agentctl.service.poll import poll
from agentctl.service.submit import submit
from agentctl.store import tasks as task_table
from tests.fakes.fleet import PRIVATE, PUBLIC, RESEARCHER, THINKER, fleet
from tests.unit.service.conftest import ADMIN, HubAtHand

PRICE = Price(input=1.0, output=10.0, cache_read=0.1, cache_write=2.0)


def apply(at: HubAtHand, budget: Budget, *, price: Price | None = None) -> None:
    at.apply(
        fleet(
            replace(RESEARCHER, budget=budget, executor=Executor()),
            THINKER,
            providers=(replace(PRIVATE, price=price, kind=ProviderKind.ANTHROPIC), PUBLIC),
        )
    )


def handed(at: HubAtHand, asked: Budget) -> dict[str, Any]:
    submit(at.hub, NewTask(prompt="x", budget=asked), ADMIN)
    who = at.born("researcher", container="c-1")
    (given,) = poll(at.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    return given


def call(at: HubAtHand, given: dict[str, Any], **used: int) -> None:
    token = given["payload"]["model_token"]
    body = {"token": token, "container": "c-1", "provider": "ollama", "path": "/v1/messages"}
    opened = model_calls.open_call(at.hub, {**body, "model": "qwen3"})
    model_calls.usage(at.hub, opened["call"], used)


def task(at: HubAtHand, given: dict[str, Any]) -> Task:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, given["task"])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("agents", "asked", "given"),
    [
        (Budget(), Budget(), (None, None, None)),
        (Budget(usd=2, tokens=100, turns=9), Budget(), (2, 100, 9)),
        (Budget(usd=2, tokens=100, turns=9), Budget(usd=1, tokens=50, turns=3), (1, 50, 3)),
        (Budget(usd=2, tokens=100, turns=9), Budget(usd=5, tokens=500, turns=10), (2, 100, 9)),
        (Budget(tokens=100), Budget(turns=3), (None, 100, 3)),
    ],
)
def test_a_task_gets_what_it_asks_for_within_its_agents(
    bare: HubAtHand, agents: Budget, asked: Budget, given: tuple[float | None, ...]
) -> None:
    apply(bare, agents)
    found = handed(bare, asked)["payload"]["budget"]
    assert (found["usd"], found["tokens"], found["turns"]) == given


def test_operators_see_what_bounds_a_task(bare: HubAtHand) -> None:
    apply(bare, Budget(tokens=100))
    given = handed(bare, Budget(turns=3))
    shown = views.task(bare.hub, given["task"], ADMIN)["budget"]
    assert shown == {"usd": None, "tokens": 100, "turns": 3}


def test_calls_past_the_agents_tokens_are_refused(bare: HubAtHand) -> None:
    apply(bare, Budget(tokens=100))
    given = handed(bare, Budget(tokens=1000))
    call(bare, given, input_tokens=60, output_tokens=40)
    with pytest.raises(Refused, match="budget of 100 tokens is spent"):
        call(bare, given)


def test_a_lowered_budget_counts_for_the_task_under_way(bare: HubAtHand) -> None:
    apply(bare, Budget(tokens=1000))
    given = handed(bare, Budget())
    call(bare, given, input_tokens=60, output_tokens=40)
    apply(bare, Budget(tokens=50))
    with pytest.raises(Refused, match="budget of 50 tokens is spent"):
        call(bare, given)


def test_with_a_price_the_hub_counts_dollars_of_every_kind_of_token(bare: HubAtHand) -> None:
    apply(bare, Budget(), price=PRICE)
    given = handed(bare, Budget())
    million = 1_000_000
    call(bare, given, input_tokens=million, output_tokens=million)
    call(bare, given, cache_read_tokens=million, cache_write_tokens=million)
    assert task(bare, given).usage.cost_usd == pytest.approx(13.1)


def test_past_its_dollars_a_task_makes_no_call(bare: HubAtHand) -> None:
    apply(bare, Budget(usd=0.5), price=PRICE)
    given = handed(bare, Budget(usd=3))
    assert given["payload"]["budget"]["usd"] is None  # the hub counts, not the CLI's own list
    call(bare, given, output_tokens=49_999)
    call(bare, given, output_tokens=1)
    with pytest.raises(Refused, match=r"budget of 0\.5 usd is spent"):
        call(bare, given)


def test_without_a_price_no_dollars_are_made_up(bare: HubAtHand) -> None:
    apply(bare, Budget())
    given = handed(bare, Budget())
    call(bare, given, input_tokens=1000)
    assert task(bare, given).usage.cost_usd is None
