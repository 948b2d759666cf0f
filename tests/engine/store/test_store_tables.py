"""What each table promises; every test holds on disk and in memory."""

from dataclasses import replace

import pytest

from agentctl.errors import Conflict, NotFound
from agentctl.model.chain import Break, Head, canonical_line, first_break
from agentctl.model.decision import Decision, Question
from agentctl.model.instance import InstanceState
from agentctl.model.principal import Role
from agentctl.model.task import Result, TaskBody, TaskState, Usage
from agentctl.store import (
    Store,
    answers,
    decisions,
    generations,
    idempotency,
    instances,
    journal,
    meta,
    operator_tokens,
    task_events,
    tasks,
)
from tests.fakes.store_records import BODY, entry, generation, instance, lease_of, task


def added(store: Store, *new: object) -> Store:
    for each in new:
        store.write(lambda txn, each=each: tasks.add(txn, each, BODY))  # type: ignore[misc]
    return store


# tasks


def test_a_task_comes_back_as_it_was_stored(store: Store) -> None:
    full = task(
        "task-1",
        capabilities=("research",),
        labels=(("bulk", "true"),),
        lease=lease_of("inst-1"),
        state=TaskState.RUNNING,
        usage=Usage(input_tokens=3, cost_usd=0.25),
        result=Result(text="é\u2028", structured={"a": [1, None]}, label="internal"),
    )
    store.write(
        lambda txn: tasks.add(txn, full, TaskBody(prompt="p", output_schema={"type": "object"}))
    )
    with store.read() as txn:
        assert tasks.get(txn, "task-1") == full
        assert tasks.body(txn, "task-1") == TaskBody(prompt="p", output_schema={"type": "object"})
        assert tasks.get(txn, "task-2") is None
        assert tasks.body(txn, "task-2") is None


@pytest.mark.parametrize("odd", ["", "../etc", "a" * 5000, "nul\0nul", "\ud800", "é"])
def test_an_id_that_nobody_made_is_just_unknown(store: Store, odd: str) -> None:
    with store.read() as txn:
        assert tasks.get(txn, odd) is None
        assert instances.get(txn, odd) is None
        assert tasks.page(txn, agent=odd, before=odd) == ([], None)


def test_a_task_is_added_once_and_only_a_known_one_is_changed(store: Store) -> None:
    added(store, task("task-1"))
    with pytest.raises(Conflict):
        added(store, task("task-1"))
    with pytest.raises(NotFound):
        store.write(lambda txn: tasks.put(txn, task("task-2")))


def test_the_queue_is_by_priority_then_age_and_by_agent(store: Store) -> None:
    added(
        store,
        task("task-1"),
        task("task-2", priority=-5),
        task("task-3", priority=7),
        task("task-4", priority=7),
        task("task-5", agent="developer", priority=99),
        task("task-6", state=TaskState.HELD),
    )
    with store.read() as txn:
        assert list(tasks.queued(txn, "researcher")) == ["task-3", "task-4", "task-1", "task-2"]
        assert tasks.first_queued(txn, "researcher") == "task-3"
        assert tasks.first_queued(txn, "nobody") is None


def test_agents_whose_names_begin_alike_have_queues_of_their_own(store: Store) -> None:
    added(store, task("task-1", agent="dev"), task("task-2", agent="dev-2"))
    with store.read() as txn:
        assert list(tasks.queued(txn, "dev")) == ["task-1"]


def test_a_leased_task_leaves_the_queue_and_is_its_instances(store: Store) -> None:
    waiting = task("task-1")
    held = replace(waiting, state=TaskState.LEASED, lease=lease_of("inst-1"))
    added(store, waiting)
    store.write(lambda txn: tasks.put(txn, held))
    with store.read() as txn:
        assert tasks.first_queued(txn, "researcher") is None
        assert list(tasks.live(txn)) == ["task-1"]
        assert tasks.live_of(txn, "inst-1") == [held]
        assert tasks.live_of(txn, "inst-2") == []
        assert tasks.load(txn, "researcher") == 1


def test_a_finished_task_is_nobodys(store: Store) -> None:
    added(store, task("task-1", state=TaskState.RUNNING, lease=lease_of("inst-1")))
    store.write(lambda txn: tasks.put(txn, task("task-1", state=TaskState.COMPLETED)))
    with store.read() as txn:
        assert tasks.live_of(txn, "inst-1") == []
        assert tasks.load(txn, "researcher") == 0
        assert {state: n for state, n in tasks.counts(txn).items() if n} == {"completed": 1}
        assert list(tasks.in_state(txn, TaskState.COMPLETED)) == ["task-1"]


def test_a_rerouted_task_moves_to_the_other_agents_queue(store: Store) -> None:
    added(store, task("task-1", agent="researcher"))
    store.write(lambda txn: tasks.put(txn, task("task-1", agent="developer")))
    with store.read() as txn:
        assert tasks.first_queued(txn, "researcher") is None
        assert tasks.first_queued(txn, "developer") == "task-1"
        assert (tasks.load(txn, "researcher"), tasks.load(txn, "developer")) == (0, 1)


def test_pages_go_from_new_to_old_and_end_with_none(store: Store) -> None:
    added(store, *(task(f"task-{each}") for each in range(1, 6)))
    with store.read() as txn:
        first, then = tasks.page(txn, limit=2)
        second, last = tasks.page(txn, limit=3, before=then)
    assert [each.id for each in first] == ["task-5", "task-4"]
    assert [each.id for each in second] == ["task-3", "task-2", "task-1"]
    assert (then, last) == ("task-4", None)


def test_pages_filter_by_state_and_agent(store: Store) -> None:
    done = TaskState.COMPLETED
    added(
        store,
        task("task-1", agent="a", state=done),
        task("task-2", agent="b", state=done),
        task("task-3", agent="a"),
        task("task-4", agent="a", state=done),
    )

    def shown(**which: object) -> list[str]:
        with store.read() as txn:
            return [each.id for each in tasks.page(txn, **which)[0]]  # type: ignore[arg-type]

    assert shown(state=done) == ["task-4", "task-2", "task-1"]
    assert shown(agent="a") == ["task-4", "task-3", "task-1"]
    assert shown(agent="a", state=done) == ["task-4", "task-1"]
    assert shown(agent="a", before="task-4") == ["task-3", "task-1"]


def test_a_forgotten_task_leaves_nothing_behind(store: Store) -> None:
    added(store, task("task-1"))
    store.write(lambda txn: task_events.append(txn, "task-1", 1.0, "submitted"))
    assert store.write(lambda txn: tasks.forget(txn, "task-1")) is True
    assert store.write(lambda txn: tasks.forget(txn, "task-1")) is False
    with store.read() as txn:
        assert tasks.page(txn) == ([], None)
        assert tasks.first_queued(txn, "researcher") is None
        assert set(tasks.counts(txn).values()) == {0}
        assert task_events.of(txn, "task-1") == []


def test_events_of_a_task_are_in_order_and_its_own(store: Store) -> None:
    for at_s, event in enumerate(["submitted", "leased", "completed"]):
        store.write(
            lambda txn, at_s=at_s, event=event: task_events.append(  # type: ignore[misc]
                txn, "task-1", float(at_s), event, f"detail {at_s}"
            )
        )
    store.write(lambda txn: task_events.append(txn, "task-10", 9.0, "other"))
    with store.read() as txn:
        seen = task_events.of(txn, "task-1")
    assert [(each.at_s, each.event, each.detail) for each in seen] == [
        (0.0, "submitted", "detail 0"),
        (1.0, "leased", "detail 1"),
        (2.0, "completed", "detail 2"),
    ]


def test_events_of_a_task_are_bounded_and_keep_the_newest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_events, "EVENTS_PER_TASK_MAX", 3)
    for at_s in range(5):
        store.write(lambda txn, at_s=at_s: task_events.append(txn, "t", at_s, "held"))  # type: ignore[misc]
    with store.read() as txn:
        assert [each.at_s for each in task_events.of(txn, "t")] == [0, 1, 4]


# idempotency and answers


def test_an_idempotency_key_names_the_first_task_for_its_submitter_alone(store: Store) -> None:
    store.write(lambda txn: idempotency.remember(txn, "operator:a", "k", "task-1", "digest"))
    with store.read() as txn:
        assert idempotency.first(txn, "operator:a", "k") == ("task-1", "digest")
        assert idempotency.first(txn, "operator:b", "k") is None
        assert idempotency.first(txn, "operator:", "ak") is None


def test_a_key_of_any_length_is_found_again(store: Store) -> None:
    long, longer = "k" * 2000, "k" * 2001
    store.write(lambda txn: idempotency.remember(txn, "w" * 999, long, "task-1", "d"))
    with store.read() as txn:
        assert idempotency.first(txn, "w" * 999, long) == ("task-1", "d")
        assert idempotency.first(txn, "w" * 999, longer) is None


def test_an_answer_is_kept_per_sender_until_the_sender_is_forgotten(store: Store) -> None:
    answer = {"id": "m1", "accepted": True, "lost": [{"task": "task-1", "attempt": 2}]}
    store.write(lambda txn: answers.remember(txn, "inst-1", "m1", "digest", answer))
    store.write(lambda txn: answers.remember(txn, "inst-10", "m1", "other", {}))
    with store.read() as txn:
        assert answers.first(txn, "inst-1", "m1") == ("digest", answer)
        assert answers.first(txn, "inst-1", "m2") is None
    assert store.write(lambda txn: answers.forget(txn, "inst-1")) == 1
    with store.read() as txn:
        assert answers.first(txn, "inst-1", "m1") is None
        assert answers.first(txn, "inst-10", "m1") == ("other", {})


# instances


def test_instances_are_found_by_id_agent_and_whether_they_are_alive(store: Store) -> None:
    running = instance("inst-1")
    recycling = instance("inst-2", state=InstanceState.RECYCLING)
    recycled = instance("inst-3", state=InstanceState.RECYCLED)
    other = instance("inst-4", agent="developer")
    for each in (running, recycling, recycled, other):
        store.write(lambda txn, each=each: instances.put(txn, each))  # type: ignore[misc]
    with store.read() as txn:
        assert instances.get(txn, "inst-3") == recycled
        assert list(instances.all(txn)) == [running, recycling, recycled, other]
        assert list(instances.alive(txn)) == [other, running, recycling]
        assert instances.count_alive(txn) == 3
        assert list(instances.by_agent(txn, "researcher")) == [running, recycling]


def test_an_instance_that_is_recycled_is_no_longer_its_agents(store: Store) -> None:
    store.write(lambda txn: instances.put(txn, instance("inst-1")))
    gone = instance("inst-1", state=InstanceState.RECYCLED, ended_at_s=5.0)
    store.write(lambda txn: instances.put(txn, gone))
    with store.read() as txn:
        assert list(instances.by_agent(txn, "researcher")) == []
        assert instances.get(txn, "inst-1") == gone
    assert store.write(lambda txn: instances.forget(txn, "inst-1")) is True
    assert store.write(lambda txn: instances.forget(txn, "inst-1")) is False


# generations


def test_generations_are_numbered_without_gaps(store: Store) -> None:
    with store.read() as txn:
        assert generations.latest(txn) is None
        assert generations.latest_number(txn) == 0
    for wrong in (0, 2):
        with pytest.raises(Conflict, match="can't follow generation 0"):
            store.write(lambda txn, wrong=wrong: generations.add(txn, generation(wrong)))  # type: ignore[misc]
    store.write(lambda txn: generations.add(txn, generation(1)))
    with pytest.raises(Conflict, match="plan again"):
        store.write(lambda txn: generations.add(txn, generation(1)))
    store.write(lambda txn: generations.add(txn, generation(2)))
    with store.read() as txn:
        assert generations.latest(txn) == generation(2)
        assert generations.get(txn, 1) == generation(1)
        assert generations.get(txn, 3) is None


def test_two_stores_of_one_process_keep_their_generations_apart(store: Store) -> None:
    from tests.fakes.memory_store import MemoryStore

    other = MemoryStore()
    other.write(lambda txn: generations.add(txn, generation(1, fleet="other")))
    store.write(lambda txn: generations.add(txn, generation(1, fleet="acme")))
    for each, fleet in ((other, "other"), (store, "acme"), (other, "other")):
        with each.read() as txn:
            assert (generations.latest(txn) or generation(9)).desired.fleet == fleet


def test_an_older_snapshot_sees_the_generation_of_its_time(store: Store) -> None:
    store.write(lambda txn: generations.add(txn, generation(1)))
    with store.read() as before:
        store.write(lambda txn: generations.add(txn, generation(2)))
        with store.read() as after:
            assert generations.latest(after) == generation(2)
        assert generations.latest(before) == generation(1)


def test_pages_of_generations_go_from_new_to_old(store: Store) -> None:
    for number in range(1, 6):
        store.write(lambda txn, number=number: generations.add(txn, generation(number)))  # type: ignore[misc]
    with store.read() as txn:
        first = generations.page(txn, limit=3)
        second = generations.page(txn, limit=3, before=3)
    assert [each.number for each in first] == [5, 4, 3]
    assert [(each.number, each.digest) for each in second] == [(2, "digest-2"), (1, "digest-1")]


# journal


def test_journal_lines_are_numbered_and_chained(store: Store) -> None:
    lines = [
        store.write(lambda txn, at_s=at_s: journal.append(txn, entry(), at_s=at_s))  # type: ignore[misc]
        for at_s in (1.5, 2.5, 3.5)
    ]
    assert [each.seq for each in lines] == [1, 2, 3]
    assert [each.previous for each in lines] == ["0" * 64, lines[0].hash, lines[1].hash]
    with store.read() as txn:
        assert journal.read(txn) == lines
        assert journal.read(txn, after=1, limit=1) == [lines[1]]
        assert journal.head(txn) == Head(seq=3, hash=lines[2].hash)
        assert journal.verify(txn) is None


def test_a_journal_line_stands_only_if_its_effect_does(store: Store) -> None:
    def refused(txn: object) -> None:
        journal.append(txn, entry(), at_s=1.0)  # type: ignore[arg-type]
        raise Conflict("no")

    with pytest.raises(Conflict):
        store.write(refused)
    store.write(lambda txn: journal.append(txn, entry("task.cancelled"), at_s=2.0))
    with store.read() as txn:
        assert [(each.seq, each.entry.kind) for each in journal.read(txn)] == [
            (1, "task.cancelled")
        ]


def test_what_looks_like_a_secret_never_gets_into_the_journal(store: Store) -> None:
    token = "sk-ant-api03-" + "x" * 40
    leaking = entry(facts={"error": f"401 for {token}"}, subject=f"Bearer {token}")
    line = store.write(lambda txn: journal.append(txn, leaking, at_s=1.0))
    assert token not in canonical_line(line)
    assert line.entry.facts == {"error": "401 for [redacted]"}


def test_retired_lines_are_gone_and_the_rest_still_verifies(store: Store) -> None:
    for _ in range(6):
        store.write(lambda txn: journal.append(txn, entry(), at_s=1.0))
    assert store.write(lambda txn: journal.retire(txn, through=4)) == 4
    with store.read() as txn:
        assert [each.seq for each in journal.read(txn)] == [5, 6]
        assert journal.verify(txn) is None
        assert first_break(journal.read(txn)) == Break(
            seq=1, reason="is missing, or out of order: line 5 stands in its place"
        )
    assert store.write(lambda txn: journal.retire(txn, through=99)) == 1
    line = store.write(lambda txn: journal.append(txn, entry(), at_s=2.0))
    assert line.seq == 7


# the small ones


def test_a_decision_is_explained_by_what_it_was_asked(store: Store) -> None:
    question = Question(
        verb="task.submit", principal="operator:a", target="agent:b", level="internal"
    )
    no = Decision(allowed=False, rule="default-deny", reason="no rule allows it")
    store.write(lambda txn: decisions.put(txn, "dec-1", question, no, 3, 12.5))
    with store.read() as txn:
        found = decisions.get(txn, "dec-1")
        assert decisions.get(txn, "dec-2") is None
    assert found == decisions.Decided(question=question, decision=no, generation=3, at_s=12.5)


def test_operator_tokens_are_listed_and_deleted(store: Store) -> None:
    token = operator_tokens.OperatorToken(
        id="op-1", digest="00ff", name="deploy", role=Role.CI, expires_at_s=9.0
    )
    store.write(lambda txn: operator_tokens.put(txn, token))
    with store.read() as txn:
        assert operator_tokens.get(txn, "op-1") == token
        assert list(operator_tokens.all(txn)) == [token]
    assert store.write(lambda txn: operator_tokens.delete(txn, "op-1")) is True
    with store.read() as txn:
        assert operator_tokens.get(txn, "op-1") is None


def test_meta_keeps_short_texts(store: Store) -> None:
    store.write(lambda txn: meta.put(txn, "mode", "paused"))
    with store.read() as txn:
        assert meta.get(txn, "mode") == "paused"
        assert meta.get(txn, "mod") is None
    assert store.write(lambda txn: meta.delete(txn, "mode")) is True
