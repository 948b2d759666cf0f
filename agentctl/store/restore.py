"""A whole backup put back into a state directory: store, installation id, and a journal line that says so."""

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from agentctl.errors import AgentctlError, StateDamaged, StoreUnavailable
from agentctl.model.journal import Entry
from agentctl.store import carry_over, checks, journal
from agentctl.store.backup import INSTALLATION_FILE
from agentctl.store.backup import restore as put_back
from agentctl.store.contract import Store
from agentctl.store.txn import Txn

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """Up to which journal line the backup goes, and how far the replaced one went (0: it can't be read)."""

    line: int
    replaced_line: int
    installation_changed: bool


def restore(
    backup: Path, store: Path, *, installation: Path, aside: Path, who: str, at_s: float
) -> Restored:
    """Put `backup` in place of `store`; what stood there is kept in the new directory `aside`.

    Who is in quarantine and what workspaces hold is as either of the two says, where the replaced
    one can be read: no restore lifts the first or lowers the second. The installation's id comes
    with it: its containers are the ones that the state speaks of.
    Raises Conflict while a hub runs, StateDamaged when the backup isn't sound or is a newer
    version's; then nothing was changed.
    """
    checks.refuse_unfit(backup)
    line = checks.head_of(backup).seq
    identity = _installation(backup)
    replaced, since = 0, carry_over.Since()
    with contextlib.suppress(AgentctlError):  # a damaged one is why people restore
        replaced = checks.head_of(store).seq
        since = carry_over.of(store)
    put_back(backup, store, aside=aside)
    changed = identity is not None and _put_installation(identity, installation, aside)
    entry = Entry(
        kind="state.restored",
        who=who,
        subject=str(backup),
        facts={"line": str(line), "replaced_line": str(replaced)},
    )
    _write(store, entry, since, at_s=at_s)
    return Restored(line=line, replaced_line=replaced, installation_changed=changed)


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


def _write(store: Path, entry: Entry, since: carry_over.Since, *, at_s: float) -> None:
    def work(txn: Txn) -> None:
        carry_over.put(txn, since)
        journal.append(txn, entry, at_s=at_s)

    opened = Store.open(store)
    try:
        opened.write(work)
    finally:
        opened.close()
