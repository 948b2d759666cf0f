"""Lists of decisions, newest first, and what one page may cost."""

import pytest

from agentctl.model.decision import Decision, Question
from agentctl.store import Store, Txn, decisions

ASKED = Question(verb="task.submit", principal="operator:ada", target="agent:dev")


def decided(store: Store, *answers: bool) -> list[str]:
    """Store a decision for each answer; return their ids, oldest first."""
    ids = [f"dec-{at:026d}" for at in range(len(answers))]
    for at, (decision_id, allowed) in enumerate(zip(ids, answers, strict=True)):
        said = Decision(allowed=allowed, rule="r", reason="because")

        def work(txn: Txn, name: str = decision_id, said: Decision = said) -> None:
            decisions.put(txn, name, ASKED, said, generation=1, at_s=float(at))  # noqa: B023

        store.write(work)
    return ids


def shown(store: Store, **which: object) -> tuple[list[str], str | None]:
    with store.read() as txn:
        found, following = decisions.page(txn, **which)  # type: ignore[arg-type]
        return [name for name, _ in found], following


def test_decisions_are_listed_newest_first_page_by_page(store: Store) -> None:
    ids = decided(store, *[True] * 5)
    assert shown(store, limit=2) == ([ids[4], ids[3]], ids[3])
    assert shown(store, limit=2, before=ids[3]) == ([ids[2], ids[1]], ids[1])
    assert shown(store, limit=2, before=ids[1]) == ([ids[0]], None)


def test_those_that_were_refused_can_be_asked_for(store: Store) -> None:
    ids = decided(store, True, False, True, False)
    assert shown(store, limit=9, allowed=False) == ([ids[3], ids[1]], None)
    assert shown(store, limit=1, allowed=True) == ([ids[2]], ids[2])


def test_one_page_looks_at_so_many_and_no_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "LOOKED_AT_MAX", 3)
    ids = decided(store, False, True, True, True)
    assert shown(store, limit=9, allowed=False) == ([], ids[1])
    assert shown(store, limit=9, allowed=False, before=ids[1]) == ([ids[0]], None)
