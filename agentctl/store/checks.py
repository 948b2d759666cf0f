"""The whole check of a store that nobody has open: its file from outside, then all that its tables say."""

from pathlib import Path

from agentctl.errors import NotFound, StateDamaged
from agentctl.model.chain import Head
from agentctl.store import inspection, journal, reading, schema, verify
from agentctl.store.txn import Txn


def wrong_in(directory: Path) -> list[str]:
    """Return what is wrong with the store in `directory`; [] when it is sound. Changes nothing.

    Raises NotFound when there is none, Conflict while a hub has it open.
    """
    if not (directory / verify.DATA_FILE).is_file():
        raise NotFound(f"{directory} holds no store")
    with reading.kept_from_hubs(directory):
        found = verify.faults(directory, whole=True)
        if found:
            return found  # such files aren't opened
        with reading.snapshot(directory) as txn:
            return _wrong(txn)


def head_of(directory: Path) -> Head:
    """Return the newest journal line of a store that nobody has open, or of a backup."""
    with reading.opened(directory) as txn:
        return journal.head(txn)


def refuse_unfit(directory: Path) -> None:
    """Raise StateDamaged unless the backup in `directory` is sound and this version can use it."""
    with reading.opened(directory) as txn:
        schema.refuse_newer(schema.recorded(txn))
        found = _wrong(txn)
    if found:
        raise StateDamaged(f"the backup in {directory} is damaged: {found[0]}")


def _wrong(txn: Txn) -> list[str]:
    try:
        version = schema.recorded(txn)
        schema.refuse_newer(version)
    except StateDamaged as why:
        return [why.detail]
    return inspection.faults(txn, indexes=version == schema.VERSION)
