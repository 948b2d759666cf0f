"""Table decisions: every answer policy and routing gave, by id, so that it can be explained later."""

from dataclasses import dataclass

from agentctl.model.decision import Decision, Question
from agentctl.store import keys
from agentctl.store.codec import Codec, decoded
from agentctl.store.txn import Table, Txn

LOOKED_AT_MAX = 2000  # records read for one page: some 20 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A question, its answer, and the generation whose rules gave it. `at_s` is wall clock."""

    question: Question
    decision: Decision
    generation: int
    at_s: float


_decided = Codec(Table.DECISIONS, Decided)


def put(
    txn: Txn,
    decision_id: str,
    question: Question,
    decision: Decision,
    generation: int,
    at_s: float,
) -> None:
    """Keep a decision under its id."""
    record = Decided(question=question, decision=decision, generation=generation, at_s=at_s)
    txn.put(Table.DECISIONS, keys.text(decision_id), _decided.encode(record))


def get(txn: Txn, decision_id: str) -> Decided | None:
    """Return a decision, or None."""
    key = keys.text(decision_id)
    return decoded(_decided, key, txn.get(Table.DECISIONS, key))


def page(
    txn: Txn, *, allowed: bool | None = None, limit: int, before: str | None = None
) -> tuple[list[tuple[str, Decided]], str | None]:
    """Return up to `limit` decisions with their ids, newest first, and the id that the next page begins before.

    Only those that were `allowed`, or weren't. The id is None on the last page; a page may hold
    fewer than `limit`, even none, and not be the last: LOOKED_AT_MAX bounds what one costs.
    """
    found: list[tuple[str, Decided]] = []
    after, last = (keys.text(before) if before else None), before
    for looked_at, (key, value) in enumerate(txn.scan(Table.DECISIONS, after=after, reverse=True)):
        if looked_at == LOOKED_AT_MAX or len(found) == limit:
            return found, last
        decided, last = _decided.decode(key, value), keys.last_text(key)
        if allowed is None or decided.decision.allowed is allowed:
            found.append((last, decided))
    return found, None


def oldest(txn: Txn, *, before_s: float, limit: int) -> list[str]:
    """Return the ids of up to `limit` decisions made before the wall-clock time `before_s`, oldest first."""
    found: list[str] = []
    for key, value in txn.scan(Table.DECISIONS):
        if len(found) == limit or _decided.decode(key, value).at_s >= before_s:
            break
        found.append(keys.last_text(key))
    return found


def forget(txn: Txn, decision_id: str) -> bool:
    """Delete a decision; return whether there was one."""
    return txn.delete(Table.DECISIONS, keys.text(decision_id))
