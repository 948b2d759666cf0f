"""`agentctl journal` as an operator runs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentctl.audit import as_text, lines_of
from agentctl.cli import journal as command
from agentctl.cli import run
from agentctl.errors import HubUnavailable
from agentctl.identity import Signer
from agentctl.identity import checkpoints as signed_words
from agentctl.model.chain import Head, link
from agentctl.model.checkpoint import Checkpoint
from agentctl.model.digest import plain
from agentctl.model.journal import Entry
from agentctl.store import Store, journal
from tests.fakes.memory_store import MemoryStore


class JournalHub:
    """A hub that answers for its journal, as the real one does, two lines a page."""

    def __init__(self, keys: Path) -> None:
        self.store: Store = MemoryStore()
        self.signer = Signer.open(keys)
        self.checkpoints: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []

    def record(self, kind: str, **facts: str) -> None:
        entry = Entry(kind=kind, who="operator:a", subject="task-1", facts=facts)
        self.store.write(lambda txn: journal.append(txn, entry, at_s=1_800_000_000.0))

    def get(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        if path == "/api/hub/journal/checkpoints":
            later = [each for each in self.checkpoints if each["seq"] > params["after"]]
            return {"checkpoints": later, "keys": self.signer.bundle()["keys"]}
        assert path == "/api/hub/journal"
        self.asked.append(params)
        with self.store.read() as txn:
            lines = journal.read(txn, params["after"], min(params["limit"], 2))
            head, beginning = journal.head(txn), journal.beginning(txn)
        answer = {"lines": lines, "head": head, "beginning": beginning}
        return json.loads(json.dumps({name: plain(each) for name, each in answer.items()}))  # type: ignore[no-any-return]

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert (path, body) == ("/api/hub/journal/checkpoints", {})
        return self.signed()

    def signed(self, *, retired_through: int = 0) -> dict[str, Any]:
        with self.store.read() as txn:
            head = journal.head(txn)
        made = Checkpoint(
            installation="here",
            seq=head.seq,
            hash=head.hash,
            at_s=1_800_000_000.0,
            retired_through=retired_through,
        )
        jws = signed_words.sign(made, self.signer)
        self.checkpoints.append({**plain(made), "jws": jws})
        return {**self.checkpoints[-1], "keys": self.signer.bundle()["keys"]}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> JournalHub:
    (tmp_path / "keys").mkdir()
    hub = JournalHub(tmp_path / "keys")
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


def exported(tmp_path: Path) -> tuple[Path, list[str]]:
    file = tmp_path / "journal.jsonl"
    assert run(["journal", "export", str(file)]) == 0
    return file, file.read_text().splitlines(keepends=True)


def kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Ask for a signed checkpoint and keep it elsewhere."""
    capsys.readouterr()
    assert run(["journal", "checkpoint"]) == 0
    elsewhere = tmp_path / "checkpoint.json"
    elsewhere.write_text(capsys.readouterr().out)
    return elsewhere


def chained_anew(rows: list[str], *, without: int) -> list[str]:
    """Leave a line out and chain the rest anew, as an insider who owns the store could."""
    at = Head()
    made = []
    for line in lines_of(rows):
        if line.seq != without:
            line = link(line.entry, at_s=line.at_s, after=at)
            at = Head(seq=line.seq, hash=line.hash)
            made.append(as_text(line))
    return made


def test_a_truncated_export_is_found_by_a_checkpoint(
    hub: JournalHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, rows = exported(tmp_path)
    newest = json.loads(rows[-1])
    file.write_text("".join(rows[:3]))
    assert run(["journal", "verify", str(file)]) == 0
    assert run(["journal", "verify", str(file), "--checkpoint", f"5:{newest['hash']}"]) == 6
    elsewhere = kept(tmp_path, capsys)
    assert run(["journal", "verify", str(file), "--checkpoint", str(elsewhere)]) == 6
    assert "line 4: is missing: the journal went on to line 5" in capsys.readouterr().err


def test_a_journal_written_anew_is_found_by_a_signed_checkpoint_kept_elsewhere(
    hub: JournalHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = kept(tmp_path, capsys)
    hub.record("task.submitted")
    file, rows = exported(tmp_path)
    assert run(["journal", "verify", str(file), "--checkpoint", str(elsewhere)]) == 0
    assert "6 lines verify, 1 signed checkpoints hold" in capsys.readouterr().out
    file.write_text("".join(chained_anew(rows, without=2)))
    assert run(["journal", "verify", str(file)]) == 0
    assert run(["journal", "verify", str(file), "--checkpoint", str(elsewhere)]) == 6
    told = "line 5: isn't the line that a checkpoint was made of"
    assert told in capsys.readouterr().err


def test_a_checkpoint_that_was_changed_or_is_by_another_key_proves_nothing(
    hub: JournalHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, rows = exported(tmp_path)
    elsewhere = kept(tmp_path, capsys)
    bundle = tmp_path / "bundle.json"
    bundle.write_text(json.dumps(hub.signer.bundle()))
    words = ["journal", "verify", str(file), "--checkpoint", str(elsewhere)]
    assert run([*words, "--bundle", str(bundle)]) == 0
    document = json.loads(elsewhere.read_text())
    elsewhere.write_text(json.dumps(document | {"hash": json.loads(rows[0])["hash"]}))
    assert run(words) == 6
    assert "something else than its signature covers" in capsys.readouterr().err
    (tmp_path / "forger").mkdir()
    forger = JournalHub(tmp_path / "forger")
    forger.store = hub.store
    elsewhere.write_text(json.dumps(forger.signed()))
    assert run(words) == 0  # the keys beside a checkpoint prove what the file's keeper proves
    assert run([*words, "--bundle", str(bundle)]) == 6
    assert "isn't in the bundle" in capsys.readouterr().err


def test_the_hubs_own_journal_is_held_against_its_own_checkpoints_and_head(
    hub: JournalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.signed()
    hub.record("task.submitted")
    assert run(["journal", "verify", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verified"], found["signed"], found["installation"]) == (6, 1, "here")
    hub.checkpoints[0]["hash"] = "0" * 64
    assert run(["journal", "verify"]) == 6


def test_a_journal_whose_oldest_lines_were_retired_verifies_where_a_checkpoint_says_so(
    hub: JournalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.store.write(lambda txn: journal.retire(txn, through=2))
    with hub.store.read() as txn:
        start = journal.beginning(txn)
    assert run(["journal", "verify"]) == 6
    assert "line 1: is missing, or out of order: line 3 stands" in capsys.readouterr().err
    assert run(["journal", "verify", "--checkpoint", f"2:{start.hash}"]) == 0
    hub.signed(retired_through=1)
    assert run(["journal", "verify"]) == 6
    hub.signed(retired_through=4)
    assert run(["journal", "verify"]) == 0


def test_the_newest_lines_are_found_without_reading_those_before(hub: JournalHub) -> None:
    for _ in range(95):
        hub.record("task.submitted")
    assert run(["journal", "--limit", "2"]) == 0
    assert [each["after"] for each in hub.asked] == [0, 98]


def test_filters_of_one_key_are_alternatives_and_of_several_must_all_hold(
    hub: JournalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["journal", "--filter", "n=1", "--filter", "n=2", "--filter", "kind=task.*"]
    assert run([*words, "-o", "json"]) == 0
    assert [each["seq"] for each in json.loads(capsys.readouterr().out)["lines"]] == [2]
    assert run(["journal", "--filter", "=x"]) == 2


def test_a_checkpoint_that_is_none_is_a_usage_error(
    hub: JournalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["journal", "verify", "--checkpoint", "5"]) == 2
    assert "is neither SEQ:HASH nor a readable JSON file" in capsys.readouterr().err


def test_following_goes_on_with_new_lines_and_waits_for_a_hub_that_is_away(
    hub: JournalHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(path: str, params: dict[str, Any]) -> dict[str, Any]:
        raise HubUnavailable("the hub does not answer")

    answers = hub.get
    rounds = iter(range(4))

    def pause(_seconds: float) -> None:
        turn = next(rounds)
        if turn == 0:
            hub.record("task.submitted", n="new")
            hub.record("message.sent")
            monkeypatch.setattr(hub, "get", away)
        elif turn == 1:
            monkeypatch.setattr(hub, "get", answers)
        elif turn == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("agentctl.cli.journal.time.sleep", pause)
    words = ["journal", "--follow", "--filter", "task.*", "--limit", "1", "-o", "json"]
    assert run(words) == 130
    told = capsys.readouterr()
    assert [json.loads(each)["seq"] for each in told.out.splitlines()] == [4, 6]
    assert "does not answer" in told.err
