"""A store as canonical JSON lines, for reading elsewhere: tasks, generations, instances, journal.

What proves an identity stays out: no token's digest, no key. The first line says what follows.
"""

from collections.abc import Iterator
from typing import Any

from agentctl.model.chain import document as journal_document
from agentctl.model.digest import canonical, plain
from agentctl.store import generations, instances, journal, keys, schema, task_events, tasks
from agentctl.store.txn import Table, Txn

VERSION = 1  # of this form; a member that is added doesn't change it
CONTENT = frozenset({"result", "error"})  # an error quotes the agent, where one failed
SECRET = frozenset({"token_digest"})


def lines(txn: Txn, *, content: bool = True) -> Iterator[str]:
    """Yield the store's rows, each with its newline: a head, then `{"table": …, "record": {…}}`.

    Without `content` prompts, results, errors and output schemas stay out too. Raises StateDamaged at
    a record that can't be trusted.
    """
    yield _row({"kind": "agentctl.state", "version": VERSION, "schema": schema.recorded(txn)})
    for generation in range(1, generations.latest_number(txn) + 1):
        yield _record("generations", plain(generations.get(txn, generation)))
    for each in instances.all(txn):
        yield _record("instances", plain(each))
    for key, _ in txn.scan(Table.TASKS):
        yield _record("tasks", _task(txn, keys.last_text(key), content=content))
    after = journal.beginning(txn).seq
    while page := journal.read(txn, after):
        for line in page:
            yield _record("journal", journal_document(line))
        after = page[-1].seq


def _task(txn: Txn, task_id: str, *, content: bool) -> dict[str, Any]:
    found: dict[str, Any] = plain(tasks.get(txn, task_id))
    found["events"] = [plain(each) for each in task_events.of(txn, task_id)]
    if content:
        return found | {"body": plain(tasks.body(txn, task_id))}
    for each in found["events"]:
        if each["event"] in task_events.QUOTING:
            each["detail"] = ""
    return {name: value for name, value in found.items() if name not in CONTENT}


def _record(table: str, record: dict[str, Any]) -> str:
    kept = {name: value for name, value in record.items() if name not in SECRET}
    return _row({"table": table, "record": kept})


def _row(value: dict[str, Any]) -> str:
    return canonical(value).decode() + "\n"
