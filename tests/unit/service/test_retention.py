"""What ended long ago goes, in small batches; what lives, or isn't covered by a signed checkpoint, stays."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agentctl.identity import checkpoints as signed_words
from agentctl.model.checkpoint import SignedCheckpoint
from agentctl.model.decision import Decision, Question
from agentctl.model.fleet import Monitoring, Retention
from agentctl.model.instance import InstanceState
from agentctl.model.task import TaskState
from agentctl.service import checkpoints, retention
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.store import (
    Txn,
    answers,
    decisions,
    idempotency,
    inspection,
    instances,
    journal,
    tasks,
)
from agentctl.store import checkpoints as checkpoint_table
from tests.fakes.fleet import fleet
from tests.fakes.store_records import BODY, instance, task
from tests.unit.service.conftest import HubAtHand

DAY_S = 86400.0
OLD, WAITS, RECENT = (f"task-{number:026d}" for number in (1, 2, 3))
KEPT = Retention(tasks_s=30 * DAY_S, journal_s=400 * DAY_S)


@pytest.fixture
def kept(bare: HubAtHand) -> HubAtHand:
    """A hub that keeps tasks for 30 days and the journal for 400."""
    bare.apply(replace(fleet(), monitoring=Monitoring(retention=KEPT)))
    return bare


def put_task(kept: HubAtHand, task_id: str, *, days_ago: float, state: TaskState) -> None:
    at_s = kept.clock.wall_s() - days_ago * DAY_S
    ended = None if state is TaskState.QUEUED else at_s
    record = task(task_id, state=state, submitted_at_s=at_s, finished_at_s=ended)

    def work(txn: Txn) -> None:
        tasks.add(txn, record, BODY)
        idempotency.remember(txn, "operator:a", f"key-{task_id}", task_id, "d")

    kept.hub.store.write(work)


def signed(hub: Hub) -> SignedCheckpoint:
    made = checkpoints.make(hub)
    assert made is not None
    return made


def step_until_done(kept: HubAtHand, step: Callable[..., bool] = retention.step) -> int:
    steps = 1
    while step(kept.hub):
        steps += 1
    return steps


def kinds(kept: HubAtHand) -> list[str]:
    with kept.hub.store.read() as txn:
        return [each.entry.kind for each in journal.read(txn, journal.beginning(txn).seq)]


def test_ended_tasks_go_after_their_time_with_all_that_stands_under_them(kept: HubAtHand) -> None:
    put_task(kept, OLD, days_ago=31, state=TaskState.COMPLETED)
    put_task(kept, WAITS, days_ago=31, state=TaskState.QUEUED)
    put_task(kept, RECENT, days_ago=29, state=TaskState.DEAD)
    assert retention.step(kept.hub) is False
    with kept.hub.store.read() as txn:
        assert [each.id for each in tasks.page(txn)[0]] == [RECENT, WAITS]
        assert tasks.body(txn, OLD) is None
        assert idempotency.first(txn, "operator:a", f"key-{OLD}") is None
        assert idempotency.first(txn, "operator:a", f"key-{WAITS}") is not None
        assert inspection.faults(txn) == []
    assert kinds(kept)[-1] == "retention.tasks"


def test_what_stands_of_its_calls_and_tunnels_goes_with_a_task_in_batches(kept: HubAtHand) -> None:
    put_task(kept, OLD, days_ago=31, state=TaskState.COMPLETED)
    put_task(kept, RECENT, days_ago=29, state=TaskState.COMPLETED)

    def calls(txn: Txn) -> None:
        for number in range(retention.RECORDS_AT_ONCE + 1):
            answers.remember(txn, OLD, f"call-{number}", "", {})
        answers.remember(txn, RECENT, "call-0", "", {})

    kept.hub.store.write(calls)
    assert retention.step(kept.hub) is True
    with kept.hub.store.read() as txn:
        assert tasks.get(txn, OLD) is not None
    assert retention.step(kept.hub) is False
    with kept.hub.store.read() as txn:
        assert tasks.get(txn, OLD) is None
        assert answers.first(txn, OLD, f"call-{retention.RECORDS_AT_ONCE}") is None
        assert answers.first(txn, RECENT, "call-0") is not None


def test_a_task_that_ended_late_hides_none_behind_it(kept: HubAtHand) -> None:
    put_task(kept, OLD, days_ago=40, state=TaskState.FAILED)
    with kept.hub.store.read() as txn:
        found = tasks.get(txn, OLD)
    assert found is not None
    late = replace(found, finished_at_s=kept.clock.wall_s() - DAY_S)
    kept.hub.store.write(lambda txn: tasks.put(txn, late))
    put_task(kept, WAITS, days_ago=39, state=TaskState.FAILED)
    retention.step(kept.hub)
    with kept.hub.store.read() as txn:
        assert [each.id for each in tasks.page(txn)[0]] == [OLD]


def test_tasks_go_in_small_batches(kept: HubAtHand) -> None:
    for number in range(retention.TASKS_AT_ONCE * 2 + 1):
        put_task(kept, f"task-{number:026d}", days_ago=31, state=TaskState.COMPLETED)
    assert retention.step(kept.hub) is True
    with kept.hub.store.read() as txn:
        assert tasks.counts(txn)["completed"] == retention.TASKS_AT_ONCE + 1
    assert step_until_done(kept) == 2


def test_ended_containers_go_living_ones_stay(kept: HubAtHand) -> None:
    long_ago_s = kept.clock.wall_s() - 50 * DAY_S
    lives = instance("inst-1", created_at_s=long_ago_s)
    ended = replace(lives, id="inst-2", state=InstanceState.RECYCLED, ended_at_s=long_ago_s)
    kept.hub.store.write(lambda txn: instances.put(txn, lives))
    kept.hub.store.write(lambda txn: instances.put(txn, ended))
    retention.step(kept.hub)
    with kept.hub.store.read() as txn:
        assert [each.id for each in instances.all(txn)] == ["inst-1"]


def test_no_journal_line_goes_that_no_old_checkpoint_covers(kept: HubAtHand) -> None:
    with kept.hub.store.read() as txn:
        before = journal.head(txn).seq
    kept.clock.advance(500 * DAY_S)
    step_until_done(kept)
    with kept.hub.store.read() as txn:
        assert journal.beginning(txn).seq == 0
        assert journal.head(txn).seq == before


def test_journal_lines_go_up_to_the_newest_checkpoint_past_their_time(kept: HubAtHand) -> None:
    hub = kept.hub
    for _ in range(retention.RECORDS_AT_ONCE + 100):
        hub.store.write(lambda txn: note(hub, txn, "test.line", who="me"))
    old = signed(hub)
    kept.clock.advance(300 * DAY_S)
    hub.store.write(lambda txn: note(hub, txn, "test.later", who="me"))
    later = signed(hub)
    kept.clock.advance(101 * DAY_S)
    assert retention.step(hub) is True
    step_until_done(kept)
    with hub.store.read() as txn:
        assert journal.beginning(txn).seq == old.checkpoint.seq
        assert journal.verify(txn) is None
        newest = checkpoint_table.newest(txn)
        assert newest is not None
        left = [each.checkpoint.seq for each in checkpoint_table.read(txn)]
    assert left[:2] == [old.checkpoint.seq, later.checkpoint.seq]
    said = signed_words.read(newest.jws, hub.signer.public_keys())
    assert said.retired_through == old.checkpoint.seq
    assert kinds(kept)[0] == "test.later"


def test_a_checkpoint_says_which_lines_may_go_before_the_first_of_them_goes(
    kept: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = kept.hub
    old = signed(hub)
    hub.store.write(lambda txn: note(hub, txn, "test.later", who="me"))
    kept.clock.advance(401 * DAY_S)
    written: list[tuple[int, int]] = []
    write = hub.store.write

    def watched(work: Callable[[Txn], Any]) -> Any:
        answer = write(work)
        with hub.store.read() as txn:
            newest = checkpoint_table.newest(txn)
            assert newest is not None
            written.append((journal.beginning(txn).seq, newest.checkpoint.retired_through))
        return answer

    monkeypatch.setattr(hub.store, "write", watched)
    retention.step(hub)
    assert all(gone <= said for gone, said in written)
    assert written[-1] == (old.checkpoint.seq, old.checkpoint.seq)


def test_decisions_are_kept_as_long_as_the_journal_that_names_them(kept: HubAtHand) -> None:
    question = Question(verb="task.submit", principal="operator:a", target="agent:b")
    answer = Decision(allowed=True, rule="r", reason="")
    now_s = kept.clock.wall_s()

    def work(txn: Txn) -> None:
        for name, days in (("dec-1", 401), ("dec-2", 399)):
            at_s = now_s - days * DAY_S
            decisions.put(txn, name, question, answer, generation=1, at_s=at_s)

    kept.hub.store.write(work)
    retention.step(kept.hub)
    with kept.hub.store.read() as txn:
        assert decisions.get(txn, "dec-1") is None
        assert decisions.get(txn, "dec-2") is not None


def test_with_nothing_to_take_away_nothing_is_written(kept: HubAtHand) -> None:
    before = kept.hub.store.figures().works
    assert retention.step(kept.hub) is False
    assert kept.hub.store.figures().works == before
