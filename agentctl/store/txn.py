"""What a table module sees of the store: ordered bytes in named tables, within one transaction."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol


class Table(StrEnum):
    """The named tables; a name never changes its meaning, a new meaning is a new name."""

    META = "meta"
    COUNTERS = "counters"
    TASKS = "tasks"
    TASK_BODIES = "task_bodies"
    TASK_EVENTS = "task_events"
    TASKS_BY_STATE = "tasks_by_state"
    TASKS_BY_AGENT = "tasks_by_agent"
    TASKS_QUEUED = "tasks_queued"
    TASKS_LIVE = "tasks_live"
    TASKS_DEADLINE = "tasks_deadline"
    TASKS_CHILDREN = "tasks_children"
    TASKS_DELEGATED = "tasks_delegated"
    IDEMPOTENCY = "idempotency"
    IDEMPOTENCY_BY_TASK = "idempotency_by_task"
    ANSWERS = "answers"
    INSTANCES = "instances"
    INSTANCES_ALIVE = "instances_alive"
    GENERATIONS = "generations"
    JOURNAL = "journal"
    CHECKPOINTS = "checkpoints"
    DECISIONS = "decisions"
    OPERATOR_TOKENS = "operator_tokens"
    ALERTS = "alerts"
    QUARANTINE = "quarantine"
    QUARANTINED_AGENTS = "quarantined_agents"
    WORKSPACES = "workspaces"


KEY_BYTES_MAX = 511  # LMDB's own bound at its default page size


class Txn(Protocol):
    """A consistent view of all tables; in a write it sees its own changes.

    It is valid until its `write` or `read` ends. Every value is verified as it
    is read: a bad one raises StateDamaged naming table and key.
    """

    def get(self, table: Table, key: bytes) -> bytes | None:
        """Return the value, or None."""
        ...

    def salvage(self, table: Table, key: bytes) -> bytes | None:
        """Return a record as it is stored, seal and all, whether or not it can be trusted; or None."""
        ...

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Write a value, replacing what was there. Keys hold 1 to KEY_BYTES_MAX bytes."""
        ...

    def delete(self, table: Table, key: bytes) -> bool:
        """Delete a value; return whether there was one."""
        ...

    def scan(
        self,
        table: Table,
        prefix: bytes = b"",
        after: bytes | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in key order (descending when `reverse`) of the keys with `prefix`.

        `after` is exclusive: the scan goes on behind that key, which need not
        exist. Each step looks for the next key as the table is then, so a
        caller may write and delete while it scans.
        """
        ...
