"""The version of the tables' meaning, kept with them, and the steps from one version to the next."""

from collections.abc import Callable, Mapping

from agentctl.errors import StateDamaged
from agentctl.store import idempotency, instances, meta, tasks, workspaces
from agentctl.store.txn import Txn

VERSION = 4

Step = Callable[[Txn], None]


def _to_2(txn: Txn) -> None:
    """2 has table idempotency_by_task, for retention, and table tasks_deadline, for the hub's tick."""
    idempotency.index_by_task(txn)
    tasks.index_deadlines(txn)


def _to_3(_txn: Txn) -> None:
    """3 has table quarantined_agents: a version that doesn't know it would let those agents work."""


def _to_4(txn: Txn) -> None:
    """4 has table workspaces: what each may hold, by the containers that are on record."""
    for each in instances.all(txn):
        workspaces.serve(txn, each)


# version → the step that makes the next version of it. A step reads and writes tables in
# the one transaction that also records the new version.
MIGRATIONS: Mapping[int, Step] = {
    1: _to_2,
    2: _to_3,
    3: _to_4,
}

_KEY = "schema"


def recorded(txn: Txn) -> int | None:
    """Return the version the tables were written by; None when they are new."""
    text = meta.get(txn, _KEY)
    return None if text is None else int(text)


def refuse_newer(found: int | None, *, known: int = VERSION) -> None:
    """Raise StateDamaged when the tables were written by a newer agentctl; change nothing."""
    if found is not None and found > known:
        raise StateDamaged(
            f"the state was written by a newer agentctl (schema {found}, this one knows {known})",
            hint="upgrade agentctl or restore a backup",
        )


def bring_up(
    txn: Txn,
    *,
    known: int = VERSION,
    migrations: Mapping[int, Step] = MIGRATIONS,
) -> None:
    """Migrate the tables to version `known`, step by step, and record it; new tables just get it."""
    found = recorded(txn)
    refuse_newer(found, known=known)
    for version in range(found or known, known):
        migrations[version](txn)
    if found != known:
        meta.put(txn, _KEY, str(known))
