"""`agentctl journal` as an operator runs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentctl.cli import journal as command
from agentctl.cli import run
from agentctl.model.digest import plain
from agentctl.model.journal import Entry
from agentctl.store import Store, journal
from tests.fakes.memory_store import MemoryStore

Agentctl = Callable[..., int]


class JournalHub:
    """A hub that answers for its journal, as the real one does."""

    def __init__(self) -> None:
        self.store: Store = MemoryStore()

    def record(self, kind: str, **facts: str) -> None:
        entry = Entry(kind=kind, who="operator:a", subject="task-1", facts=facts)
        self.store.write(lambda txn: journal.append(txn, entry, at_s=1_800_000_000.0))

    def get(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        assert path == "/api/hub/journal"
        with self.store.read() as txn:
            lines = journal.read(txn, params["after"], min(params["limit"], 2))
        return json.loads(json.dumps({"lines": [plain(each) for each in lines]}))  # type: ignore[no-any-return]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> JournalHub:
    hub = JournalHub()
    monkeypatch.setattr(command, "connect", lambda settings: hub)
    for number in range(5):
        hub.record("task.submitted" if number % 2 else "message.sent", n=str(number))
    return hub


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_it_shows_the_newest_lines(hub: JournalHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["journal", "--limit", "2"]) == 0
    assert shown(capsys) == [
        "     4  2027-01-15T08:00:00Z  task.submitted          operator:a  task-1  n=3",
        "     5  2027-01-15T08:00:00Z  message.sent            operator:a  task-1  n=4",
    ]


def test_it_filters_by_kind_and_answers_in_json(
    hub: JournalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["journal", "--filter", "task.*", "--after", "1", "-o", "json"]) == 0
    assert [each["seq"] for each in json.loads(capsys.readouterr().out)["lines"]] == [2, 4]


def test_words_of_an_agent_cannot_move_the_cursor(
    hub: JournalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.record("task.note", note="\x1b[2Jgone\r\n     1  forged")
    run(["journal", "--limit", "1"])
    [only] = shown(capsys)
    assert only.endswith(r"note=\x1b[2Jgone\r\n     1  forged")


def test_an_export_verifies_and_prints_a_checkpoint(
    hub: JournalHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "journal.jsonl")
    assert run(["journal", "export", file]) == 0
    assert run(["journal", "verify", file]) == 0
    [told] = shown(capsys)
    checkpoint = told.rpartition(" ")[2]
    assert told.startswith("5 lines verify; keep this checkpoint elsewhere: 5:")
    hub.record("task.submitted")
    assert run(["journal", "verify", "--checkpoint", checkpoint]) == 0


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (lambda rows: [*rows[:2], *rows[3:]], "line 3: is missing, or out of order: line 4 stands"),
        (
            lambda rows: [rows[0].replace("operator:a", "operator:b"), *rows[1:]],
            "line 1: was changed",
        ),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "line 1: is missing, or out of order"),
    ],
)
def test_a_tampered_export_exits_6_and_names_the_line(
    hub: JournalHub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    tamper: Callable[[list[str]], list[str]],
    told: str,
) -> None:
    file = tmp_path / "journal.jsonl"
    run(["journal", "export", str(file)])
    file.write_text("".join(tamper(file.read_text().splitlines(keepends=True))))
    assert run(["journal", "verify", str(file)]) == 6
    assert f"agentctl: the journal is broken at {told}" in capsys.readouterr().err


def test_a_truncated_export_is_found_by_a_checkpoint(
    hub: JournalHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "journal.jsonl"
    run(["journal", "export", str(file)])
    rows = file.read_text().splitlines(keepends=True)
    newest = json.loads(rows[-1])
    file.write_text("".join(rows[:3]))
    assert run(["journal", "verify", str(file)]) == 0
    assert run(["journal", "verify", str(file), "--checkpoint", f"5:{newest['hash']}"]) == 6
    assert "line 4: is missing: the journal went on to line 5" in capsys.readouterr().err


def test_a_journal_whose_oldest_lines_were_retired_verifies_from_their_checkpoint(
    hub: JournalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.store.write(lambda txn: journal.retire(txn, through=2))
    with hub.store.read() as txn:
        start = journal.beginning(txn)
    assert run(["journal", "verify"]) == 6
    assert run(["journal", "verify", "--checkpoint", f"2:{start.hash}"]) == 0


def test_a_checkpoint_that_is_none_is_a_usage_error(
    hub: JournalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["journal", "verify", "--checkpoint", "5"]) == 2
    assert "is not SEQ:HASH" in capsys.readouterr().err
