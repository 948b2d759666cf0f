"""Table generations: every applied fleet, numbered without gaps; the newest is the authority."""

from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

from agentctl.errors import Conflict
from agentctl.model.fleet import Generation
from agentctl.store import keys
from agentctl.store.codec import Codec, RecordDamaged
from agentctl.store.txn import Table, Txn

PAGE_MAX = 100
DECODED_MAX = 4  # generations kept decoded: the newest, and those that older snapshots still see
_HEAD = b"newest"  # beside the numbered records, whose keys are eight bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A generation without the fleet it declares: what a list shows."""

    number: int
    digest: str
    commit: str
    applied_by: str
    applied_at_s: float
    prune: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """Which generation is the newest, and the SHA-256 of its record."""

    number: int
    record: str


_heads = Codec(Table.GENERATIONS, _Head)
_generations = Codec(Table.GENERATIONS, Generation)
_applied = Codec(Table.GENERATIONS, Applied)

_decoded: dict[str, Generation] = {}  # by the SHA-256 of the very bytes it was decoded from
_decoding = Lock()


def latest(txn: Txn) -> Generation | None:
    """Return the newest generation, or None before the first apply.

    A fleet of a thousand agents is a megabyte to decode, and every hand-out
    asks: the newest generations are kept decoded.
    """
    head = _head(txn)
    if head is None:
        return None
    found = _decoded.get(head.record)
    if found is None:
        found = _newest(txn, head)
        _keep_decoded(head.record, found)
    return found


def latest_number(txn: Txn) -> int:
    """Return the newest generation's number; 0 before the first apply."""
    head = _head(txn)
    return head.number if head else 0


def get(txn: Txn, number: int) -> Generation | None:
    """Return the generation of that number, or None."""
    if not 0 < number <= latest_number(txn):
        return None
    return _generations.decode(keys.number(number), _record(txn, number))


def add(txn: Txn, generation: Generation) -> None:
    """Store the next generation; raises Conflict unless its number follows the newest one's."""
    newest = latest_number(txn)
    if generation.number != newest + 1:
        raise Conflict(
            f"generation {generation.number} can't follow generation {newest}",
            hint="someone else applied meanwhile: plan again",
        )
    record = _generations.encode(generation)
    txn.put(Table.GENERATIONS, keys.number(generation.number), record)
    head = _Head(number=generation.number, record=sha256(record).hexdigest())
    txn.put(Table.GENERATIONS, _HEAD, _heads.encode(head))


def page(txn: Txn, *, limit: int = 50, before: int | None = None) -> list[Applied]:
    """Return up to `limit` (at most PAGE_MAX) generations below number `before`, newest first."""
    newest = latest_number(txn)
    top = newest if before is None else min(before - 1, newest)
    bottom = max(top - max(1, min(limit, PAGE_MAX)), 0)
    numbers = range(top, bottom, -1)
    return [_applied.decode(keys.number(each), _record(txn, each)) for each in numbers]


def _head(txn: Txn) -> _Head | None:
    value = txn.get(Table.GENERATIONS, _HEAD)
    return None if value is None else _heads.decode(_HEAD, value)


def _newest(txn: Txn, head: _Head) -> Generation:
    record = _record(txn, head.number)
    if sha256(record).hexdigest() != head.record:
        raise RecordDamaged(
            Table.GENERATIONS, keys.number(head.number), "it isn't the one applied last"
        )
    return _generations.decode(keys.number(head.number), record)


def _keep_decoded(record: str, generation: Generation) -> None:
    with _decoding:
        _decoded[record] = generation
        while len(_decoded) > DECODED_MAX:
            del _decoded[next(iter(_decoded))]  # the one kept longest


def _record(txn: Txn, number: int) -> bytes:
    value = txn.get(Table.GENERATIONS, keys.number(number))
    if value is None:
        raise RecordDamaged(Table.GENERATIONS, keys.number(number), "it is missing")
    return value
