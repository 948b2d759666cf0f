"""The whole check of a store that nobody has open: its file from outside, then all that its tables say."""

from pathlib import Path

from agentctl.errors import NotFound
from agentctl.store import inspection, verify
from agentctl.store.contract import Store


def wrong_in(directory: Path) -> list[str]:
    """Return what is wrong with the store in `directory`; [] when it is sound.

    Raises NotFound when there is none, Conflict while a hub has it open.
    """
    if not (directory / verify.DATA_FILE).is_file():
        raise NotFound(f"{directory} holds no store")
    found = verify.faults(directory, whole=True)
    if found:
        return found  # such files aren't opened
    store = Store.open(directory)
    try:
        with store.read() as txn:
            return inspection.faults(txn)
    finally:
        store.close()
