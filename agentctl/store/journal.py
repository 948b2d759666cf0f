"""Table journal: append-only lines, numbered without gaps, each chained to the one before by SHA-256.

A line is written in the transaction of its effect: neither stands without the
other. The head in table meta and the last line agree, so a cut-off end shows.
"""

from collections.abc import Iterator
from functools import lru_cache

from agentctl.model import chain
from agentctl.model.chain import Break, Head
from agentctl.model.journal import Entry, Line
from agentctl.model.redaction import redact
from agentctl.store import keys, meta
from agentctl.store.codec import Codec
from agentctl.store.txn import Table, Txn

READ_MAX = 1000  # lines in one page
NAMES_REMEMBERED_MAX = 4096  # principals: a fleet of a thousand agents, each twice

_HEAD = "journal/head"
_BEGINNING = "journal/beginning"

_lines = Codec(Table.JOURNAL, Line)


def append(txn: Txn, entry: Entry, *, at_s: float) -> Line:
    """Write the next line and return it; what has the form of a secret is redacted first."""
    line = chain.link(_clean(entry), at_s=at_s, after=head(txn))
    txn.put(Table.JOURNAL, keys.number(line.seq), _lines.encode(line))
    meta.put(txn, _HEAD, _as_text(Head(seq=line.seq, hash=line.hash)))
    return line


def head(txn: Txn) -> Head:
    """Return place and hash of the newest line: what a checkpoint keeps elsewhere."""
    return _head(txn, _HEAD)


def beginning(txn: Txn) -> Head:
    """Return place and hash of the last line that retention took away (seq 0: none yet)."""
    return _head(txn, _BEGINNING)


def read(txn: Txn, after: int = 0, limit: int = READ_MAX) -> list[Line]:
    """Return up to `limit` (at most READ_MAX) lines whose seq is above `after`, in order."""
    limit = max(0, min(limit, READ_MAX))
    return [line for line, _ in zip(_scan(txn, after), range(limit), strict=False)]


def verify(txn: Txn) -> Break | None:
    """Return the first line that was edited, dropped or reordered, and why; None when all hold."""
    start = beginning(txn)
    return chain.first_break(_scan(txn, start.seq), after=start, head=head(txn))


def retire(txn: Txn, *, through: int, limit: int = READ_MAX) -> int:
    """Delete up to `limit` of the oldest lines, none above seq `through`; return how many.

    The last line deleted stays known by its hash, so the rest still verifies.
    The newest line is never deleted. Export first: this is the end of them.
    """
    through = min(through, head(txn).seq - 1)
    retired = 0
    for line in read(txn, beginning(txn).seq, limit):
        if line.seq > through:
            break
        txn.delete(Table.JOURNAL, keys.number(line.seq))
        meta.put(txn, _BEGINNING, _as_text(Head(seq=line.seq, hash=line.hash)))
        retired += 1
    return retired


def _scan(txn: Txn, after: int) -> Iterator[Line]:
    found = txn.scan(Table.JOURNAL, after=keys.number(max(after, 0)))
    return (_lines.decode(key, value) for key, value in found)


def _clean(entry: Entry) -> Entry:
    return Entry(
        kind=entry.kind,
        who=_redacted_name(entry.who),
        subject=redact(entry.subject),
        decision=entry.decision,
        generation=entry.generation,
        label=entry.label,
        facts={name: redact(text) for name, text in entry.facts.items()},
    )


@lru_cache(NAMES_REMEMBERED_MAX)
def _redacted_name(who: str) -> str:
    """A principal's name has separators, so that all forms are looked for; and each comes again and again."""
    return redact(who)


def _head(txn: Txn, name: str) -> Head:
    text = meta.get(txn, name)
    if text is None:
        return Head()
    seq, _, line_hash = text.partition(" ")
    return Head(seq=int(seq), hash=line_hash)


def _as_text(head: Head) -> str:
    return f"{head.seq} {head.hash}"
