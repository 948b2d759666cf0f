"""Lists of tasks by label and by time, and what one page may cost."""

import pytest

from agentctl.model.task import Task
from agentctl.store import Store, tasks
from tests.fakes.store_records import BODY, task


def added(store: Store, *made: Task) -> None:
    for each in made:
        store.write(lambda txn, each=each: tasks.add(txn, each, BODY))  # type: ignore[misc]


def shown(store: Store, **which: object) -> tuple[list[str], str | None]:
    with store.read() as txn:
        found, following = tasks.page(txn, **which)  # type: ignore[arg-type]
        return [each.id for each in found], following


BULK, ALPHA = ("bulk", "true"), ("team", "alpha")


def test_a_task_is_listed_only_with_all_the_labels_asked_for(store: Store) -> None:
    added(
        store,
        task("task-1", labels=(BULK,)),
        task("task-2", labels=(BULK, ALPHA)),
        task("task-3", labels=(("bulk", "false"), ALPHA)),
    )
    assert shown(store, labels=(BULK,)) == (["task-2", "task-1"], None)
    assert shown(store, labels=(BULK, ALPHA)) == (["task-2"], None)


def test_what_was_submitted_before_since_is_not_listed(store: Store) -> None:
    added(store, *(task(f"task-{at}", submitted_at_s=100.0 + at) for at in range(1, 5)))
    assert shown(store, since_s=103.0) == (["task-4", "task-3"], None)
    assert shown(store, since_s=103.0, limit=1) == (["task-4"], "task-4")


def test_pages_by_label_follow_each_other_without_gaps(store: Store) -> None:
    added(
        store,
        *(task(f"task-{at}", labels=(BULK,) if at % 2 else (ALPHA,)) for at in range(1, 8)),
    )
    first, then = shown(store, labels=(BULK,), limit=2)
    second, last = shown(store, labels=(BULK,), limit=2, before=then)
    assert (first, second, last) == (["task-7", "task-5"], ["task-3", "task-1"], None)


def test_a_page_that_looked_at_enough_ends_early_and_says_where_to_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "LOOKED_AT_MAX", 3)
    added(store, task("task-1", labels=(BULK,)), *(task(f"task-{at}") for at in range(2, 6)))
    assert shown(store, labels=(BULK,)) == ([], "task-3")
    assert shown(store, labels=(BULK,), before="task-3") == (["task-1"], None)
