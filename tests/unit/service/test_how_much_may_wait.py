"""The queue is bounded: past the bound a submit is refused for now, and leaves nothing behind."""

import pytest

from agentctl.errors import Throttled
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.model.task import NewTask, TaskState
from agentctl.service import backlog
from agentctl.service.cancel import cancel
from agentctl.service.rate import Rate
from agentctl.service.submit import submit
from agentctl.store import journal
from agentctl.store import tasks as task_table
from tests.unit.service.conftest import ADMIN, HubAtHand

BOB = OperatorPrincipal(name="token:bob", role=Role.OPERATOR)
NOBODYS = NewTask(prompt="hi", sensitivity="confidential", capabilities=("deep-reasoning",))


@pytest.fixture(autouse=True)
def bound_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "WAITING_MAX", 2)


def test_held_and_queued_tasks_count_and_one_more_is_told_when_to_come_back(
    at_hand: HubAtHand,
) -> None:
    assert submit(at_hand.hub, NewTask(prompt="queued"), ADMIN)[0].state is TaskState.QUEUED
    assert submit(at_hand.hub, NOBODYS, ADMIN)[0].state is TaskState.HELD
    with pytest.raises(Throttled) as refused:
        submit(at_hand.hub, NewTask(prompt="one more"), ADMIN)
    assert refused.value.status == 429
    assert refused.value.retry_after_s == backlog.RETRY_S


def test_what_is_refused_for_want_of_room_leaves_nothing_behind(at_hand: HubAtHand) -> None:
    for _ in range(2):
        submit(at_hand.hub, NewTask(prompt="hi"), ADMIN)
    with at_hand.hub.store.read() as txn:
        before = journal.head(txn), task_table.counts(txn)
    with pytest.raises(Throttled):
        submit(at_hand.hub, NewTask(prompt="one more", idempotency_key="k"), ADMIN)
    with at_hand.hub.store.read() as txn:
        assert (journal.head(txn), task_table.counts(txn)) == before


def test_a_repeat_gets_its_first_answer_however_much_waits(at_hand: HubAtHand) -> None:
    first = NewTask(prompt="hi", idempotency_key="k")
    task, _ = submit(at_hand.hub, first, ADMIN)
    submit(at_hand.hub, NewTask(prompt="hi"), ADMIN)
    assert submit(at_hand.hub, first, ADMIN) == (task, False)


def test_room_that_is_made_is_used(at_hand: HubAtHand) -> None:
    first, _ = submit(at_hand.hub, NewTask(prompt="hi"), ADMIN)
    submit(at_hand.hub, NewTask(prompt="hi"), ADMIN)
    cancel(at_hand.hub, first.id, ADMIN)
    assert submit(at_hand.hub, NewTask(prompt="one more"), ADMIN)[1]


def test_one_submitter_in_a_loop_leaves_the_others_their_room(at_hand: HubAtHand) -> None:
    at_hand.hub.live.submits = Rate(per_s=0.5, burst=1)
    submit(at_hand.hub, NewTask(prompt="hi"), ADMIN)
    with pytest.raises(Throttled) as refused:
        submit(at_hand.hub, NewTask(prompt="again"), ADMIN)
    assert refused.value.retry_after_s == 2.0
    assert submit(at_hand.hub, NewTask(prompt="another's"), BOB)[1]
