"""A whole backup put back into a state directory: store, installation id, and a journal line that says so.

What came after the backup and must not be undone is carried over from the store that is replaced;
where that can't be known, the worst is taken.
Source: docs/decisions/0035-a-restore-fails-closed.md.
"""

import os
import re
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from agentctl.errors import AgentctlError, StateDamaged, StoreUnavailable
from agentctl.model.chain import Head
from agentctl.model.journal import Entry
from agentctl.model.mode import ModeName, Order
from agentctl.store import carry_over, checks, journal, orders, worst_case
from agentctl.store.backup import INSTALLATION_FILE
from agentctl.store.backup import restore as put_back
from agentctl.store.carry_over import ALL, Kept, Since
from agentctl.store.contract import Store
from agentctl.store.txn import Txn
from agentctl.store.worst_case import Taken

_ID = re.compile(r"[0-9a-f]{32}")
_OTHER_HISTORY = "it isn't a later one of the backup's own history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """Up to which journal line the backup goes, and how far the replaced one went (0: it can't be read).

    `unknown` is why nobody can say what came after the backup ("" when it is known); then `taken`
    is what counts at its worst.
    """

    line: int
    replaced_line: int
    installation_changed: bool
    unknown: str
    taken: Taken


def restore(
    backup: Path,
    store: Path,
    *,
    installation: Path,
    aside: Path,
    who: str,
    at_s: float,
    forget: Set[Kept] = frozenset(),
) -> Restored:
    """Put `backup` in place of `store`; what stood there is kept in the new directory `aside`.

    Quarantines, what workspaces hold, revoked tokens and ended containers of the replaced one
    stand; where it can't be read, or isn't a later one of the same history, all of these count
    as at their worst, and the fleet is paused. What is in `forget` is left as the backup has it.
    The installation's id comes with it: its containers are the ones that the state speaks of.
    Raises Conflict while a hub runs, StateDamaged when the backup isn't sound or is a newer
    version's; then nothing was changed.
    """
    checks.refuse_unfit(backup)
    head = checks.head_of(backup)
    identity = _installation(backup)
    work = _Work(head=head, backup=backup, kept=ALL - forget, who=who, at_s=at_s)
    put_back(backup, store, aside=aside, prepare=lambda copy: work.prepare(copy, store))
    changed = identity is not None and _put_installation(identity, installation, aside)
    return Restored(
        line=head.seq,
        replaced_line=work.since.line if work.since else 0,
        installation_changed=changed,
        unknown=work.unknown,
        taken=work.taken,
    )


class _Work:
    """What is written to the copy before it comes in force, in one transaction."""

    def __init__(
        self, *, head: Head, backup: Path, kept: frozenset[Kept], who: str, at_s: float
    ) -> None:
        self._head, self._backup, self._kept = head, backup, kept
        self._who, self._at_s = who, at_s
        self.since: Since | None = None
        self.unknown = ""
        self.taken = Taken()

    def prepare(self, copy: Path, replaced: Path) -> None:
        try:
            self.since = carry_over.of(replaced, self._head)
            self.unknown = "" if self.since.follows else _OTHER_HISTORY
        except AgentctlError as why:  # a damaged one is why people restore
            self.unknown = why.detail
        opened = Store.open(copy)
        try:
            opened.write(self._write)
        finally:
            opened.close()

    def _write(self, txn: Txn) -> None:
        journal.append(txn, self._entry(), at_s=self._at_s)
        if self.since is not None:
            carry_over.put(txn, self.since, self._kept, at_s=self._at_s)
        if self.unknown and self._kept:
            what = {each.value for each in self._kept}
            self.taken = worst_case.take(txn, what, who=self._who, at_s=self._at_s)
            orders.tighten(txn, self._pause())

    def _entry(self) -> Entry:
        facts = {
            "line": str(self._head.seq),
            "replaced_line": str(self.since.line if self.since else 0),
            "unknown": self.unknown,
            "forgotten": " ".join(sorted(ALL - self._kept)),
        }
        given = {name: text for name, text in facts.items() if text}
        return Entry(kind="state.restored", who=self._who, subject=str(self._backup), facts=given)

    def _pause(self) -> Order:
        reason = f"restored from a backup; what came after line {self._head.seq} can't be known"
        return Order(mode=ModeName.PAUSED, reason=reason, who=self._who, at_s=self._at_s)


def _installation(backup: Path) -> str | None:
    """Return the backup's installation id; None for a backup that is a store alone."""
    try:
        found = (backup / INSTALLATION_FILE).read_text().strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as cause:
        raise StateDamaged(f"{backup / INSTALLATION_FILE} can't be read: {cause}") from cause
    if not _ID.fullmatch(found):
        raise StateDamaged(f"{backup / INSTALLATION_FILE} holds no installation's id")
    return found


def _put_installation(identity: str, place: Path, aside: Path) -> bool:
    try:
        if place.exists():
            if place.read_text().strip() == identity:
                return False
            os.link(place, aside / place.name)
        draft = place.with_suffix(".new")
        draft.write_text(identity)
        draft.replace(place)
    except OSError as cause:
        raise StoreUnavailable(
            f"the store is restored, but {place} can't be written: {cause}",
            hint="make room, move the store's copy aside and restore again",
        ) from cause
    return True
