"""A hub killed at any instant loses nothing it acknowledged and keeps nothing by halves."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentctl.model.journal import Line
from agentctl.model.task import TaskState
from agentctl.store import Store, Txn, idempotency, journal, tasks

WRITER = Path(__file__).with_name("crash_writer.py")
CYCLES = int(os.environ.get("AGENTCTL_TEST_KILLS", "30"))
LIES_CAUGHT_WITHIN = 20


def killed_after(path: Path, acknowledged: int, first: int, *options: str) -> list[str]:
    """Let a writer run until it acknowledged so many, kill it, return all it acknowledged."""
    command = [sys.executable, str(WRITER), str(path), str(first), *options]
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": root}) as writer:
        assert writer.stdout is not None
        seen = [writer.stdout.readline() for _ in range(acknowledged)]
        writer.send_signal(signal.SIGKILL)
        seen += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    return [each.decode().strip() for each in seen if each.endswith(b"\n")]


def wrongs(txn: Txn, acknowledged: list[str]) -> list[str]:
    """Return what is lost, half there, or miscounted."""
    found = [f"{each}: acknowledged and lost" for each in acknowledged if not tasks.get(txn, each)]
    there = set(tasks.in_state(txn, TaskState.QUEUED))
    lines = {line.entry.subject for line in whole_journal(txn)}
    found += [f"{each}: a task or its journal line alone" for each in there ^ lines]
    found += [f"{each}: no key" for each in there if not idempotency.first(txn, "operator:a", each)]
    found += [f"{each}: no body" for each in there if not tasks.body(txn, each)]
    if there != set(tasks.queued(txn, "researcher")):
        found.append("the queue isn't the queued tasks")
    if tasks.counts(txn)["queued"] != len(there) or tasks.load(txn, "researcher") != len(there):
        found.append("the counters are wrong")
    broken = journal.verify(txn)
    return [*found, str(broken)] if broken else found


def whole_journal(txn: Txn) -> list[Line]:
    lines = journal.read(txn)
    while more := journal.read(txn, after=lines[-1].seq if lines else 0):
        lines += more
    return lines


def reopened(path: Path, acknowledged: list[str]) -> list[str]:
    store = Store.open(path)
    try:
        with store.read() as txn:
            return wrongs(txn, acknowledged)
    finally:
        store.close()


@pytest.mark.timeout(600)
def test_what_was_acknowledged_is_there_after_each_kill(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    acknowledged: list[str] = []
    for cycle in range(CYCLES):
        acknowledged += killed_after(tmp_path, chance.randrange(1, 120), cycle * 1_000_000)
        assert reopened(tmp_path, acknowledged) == []
    assert len(acknowledged) > CYCLES


@pytest.mark.timeout(300)
def test_a_store_that_acknowledges_before_its_commit_is_caught(tmp_path: Path) -> None:
    """The test of the test above: it must see a lie."""
    acknowledged: list[str] = []
    for cycle in range(LIES_CAUGHT_WITHIN):
        acknowledged += killed_after(tmp_path, 1 + cycle, cycle * 1_000_000, "--early")
        if any("acknowledged and lost" in each for each in reopened(tmp_path, acknowledged)):
            return
    pytest.fail(f"{LIES_CAUGHT_WITHIN} kills of a lying store went unnoticed")
