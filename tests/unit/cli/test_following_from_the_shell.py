"""`task wait`, `task events` and `--wait`: long polls, what they print, and where."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from agentctl.cli import following, run, tasks
from agentctl.cli.following import follow
from agentctl.cli.task_screen import LostAttempts, in_words
from agentctl.errors import (
    EXIT_ERROR,
    EXIT_OK,
    EXIT_UNAVAILABLE,
    AgentctlError,
    HubUnavailable,
    Throttled,
)

QUEUED = {"number": 1, "at_s": 1.0, "event": "queued", "detail": ""}
HELD = {"number": 1, "at_s": 1.0, "event": "held", "detail": "nobody may take it"}
LEASED = {"number": 2, "at_s": 2.0, "event": "leased", "detail": ""}
DONE = {"number": 3, "at_s": 3.0, "event": "completed", "detail": ""}
ROW: dict[str, Any] = {
    "id": "task-1",
    "state": "completed",
    "held_reason": None,
    "error": None,
    "result": {"text": "because"},
}


def news(*events: dict[str, Any], ended: bool = False, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "task": "task-1",
        "state": "completed" if ended else "running",
        "ended": ended,
        "held_reason": None,
        "events": list(events),
        "next": events[-1]["number"] if events else 0,
        "progress": None,
        "usage": {},
    }
    return {**found, **more}


class Scripted:
    """Gives its answers in turn, errors among them; time passes by a second with each."""

    def __init__(self, *answers: dict[str, Any] | AgentctlError, row: Any = ROW) -> None:
        self.answers = list(answers)
        self.rows = row if isinstance(row, list) else [row]
        self.asked: list[Mapping[str, Any]] = []
        self.now_s = 0.0
        self.rested: list[float] = []

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        if not path.endswith("/events"):
            return self.rows.pop(0) if len(self.rows) > 1 else self.rows[0]
        self.asked.append(params or {})
        self.now_s += 1.0
        answer = self.answers.pop(0)
        if isinstance(answer, AgentctlError):
            raise answer
        return answer

    def rest(self, seconds: float) -> None:
        self.now_s += seconds
        self.rested.append(seconds)

    def follow(self, **asked: Any) -> tuple[bool, list[str]]:
        told: list[str] = []

        def tell(each: dict[str, Any]) -> None:
            told.extend(event["event"] for event in each["events"])

        ended = follow(
            self,  # type: ignore[arg-type]
            "task-1",
            tell,
            clock=lambda: self.now_s,
            rest=self.rest,
            **asked,
        )
        return ended, told


def test_each_event_is_told_once_and_the_end_ends_it() -> None:
    hub = Scripted(news(QUEUED), news(LEASED), news(DONE, ended=True))
    assert hub.follow() == (True, ["queued", "leased", "completed"])
    assert [each["after"] for each in hub.asked] == [0, 1, 2]


def test_a_hub_that_restarts_is_waited_for() -> None:
    hub = Scripted(news(QUEUED), HubUnavailable("away"), news(DONE, ended=True, next=3))
    assert hub.follow() == (True, ["queued", "completed"])


def test_a_hub_that_stays_away_is_said() -> None:
    hub = Scripted(*[HubUnavailable("away")] * 200)
    with pytest.raises(HubUnavailable):
        hub.follow()
    assert following.AWAY_S_MAX < hub.now_s < following.AWAY_S_MAX + 5


def test_where_there_is_no_place_to_wait_it_comes_back_when_told_to() -> None:
    hub = Scripted(Throttled("full", retry_after_s=7.0), news(DONE, ended=True))
    hub.follow()
    assert hub.rested == [7.0]


def test_a_timeout_ends_the_waiting_and_bounds_the_last_poll() -> None:
    hub = Scripted(*[news()] * 50)
    assert hub.follow(timeout_s=25.0) == (False, [])
    assert hub.asked[0]["wait"] == following.WAIT_S
    assert hub.asked[-1]["wait"] == 1.0


def command(monkeypatch: pytest.MonkeyPatch, hub: Scripted, *words: str) -> int:
    monkeypatch.setattr(tasks, "connect", lambda _settings: hub)
    return run(["task", *words])


def test_wait_prints_the_text_of_what_completed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**ROW, "state": "running"}, ROW]
    hub = Scripted(news(QUEUED), news(DONE, ended=True), row=rows)
    assert command(monkeypatch, hub, "wait", "task-1") == EXIT_OK
    assert capsys.readouterr() == ("because\n", "")


def test_wait_of_what_failed_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Scripted(row={**ROW, "state": "dead", "error": "inst-1 went silent", "result": None})
    assert command(monkeypatch, hub, "wait", "task-1") == EXIT_ERROR
    assert capsys.readouterr().err == "agentctl: task-1 dead: inst-1 went silent\n"


def test_wait_with_a_timeout_that_passes_ends_with_4_and_leaves_the_task_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Scripted(news(QUEUED), row={**ROW, "state": "running", "result": None})
    assert command(monkeypatch, hub, "wait", "task-1", "--timeout", "0") == EXIT_UNAVAILABLE
    assert capsys.readouterr() == ("", "agentctl: task-1 is still running; it goes on\n")


def test_wait_says_why_a_task_is_held(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Scripted(news(HELD), news(ended=True), row={**ROW, "state": "held", "result": None})
    command(monkeypatch, hub, "wait", "task-1")
    assert "task-1 is held: nobody may take it\n" in capsys.readouterr().err


def test_wait_in_json_is_one_document_on_stdout_and_progress_lines_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Scripted(
        news(QUEUED, progress={"number": 1, "turns": 2}), news(ended=True), row={**ROW, "state": ""}
    )
    command(monkeypatch, hub, "wait", "task-1", "-o", "json")
    out, err = capsys.readouterr()
    assert json.loads(out)["id"] == "task-1"
    lines = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert [each["type"] for each in lines] == ["event", "progress"]
    assert lines[1]["turns"] == 2


def test_events_followed_in_json_are_an_object_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Scripted(news(QUEUED), news(DONE, ended=True))
    assert command(monkeypatch, hub, "events", "task-1", "--follow", "-o", "json") == EXIT_OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["event"] for each in lines] == ["queued", "completed"]


def test_events_without_follow_are_those_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Scripted(news(QUEUED, LEASED))
    assert command(monkeypatch, hub, "events", "task-1") == EXIT_OK
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == [
        "queued",
        "leased",
    ]


def test_progress_reads_as_a_sentence() -> None:
    usage = {"input_tokens": 1200, "output_tokens": 5, "cost_usd": 0.0421}
    progress = {"number": 3, "turns": 2, "tools": 1, "output_tokens": 88, "note": "Bash"}
    assert in_words(news(progress=progress, usage=usage)) == (
        "task-1 running · 2 turns · 1 tool call · 1200 tokens in, 88 out · $0.0421 · Bash"
    )


def test_each_attempt_that_failed_is_said_with_its_reason_and_the_last_is_left_to_the_end() -> None:
    lost = {**LEASED, "event": "failed_retryable", "detail": "no answer"}
    silent = {**LEASED, "event": "expired", "detail": "inst-1 went silent"}
    attempts = LostAttempts(3)
    assert attempts.lines(news(QUEUED, LEASED)) == []
    assert attempts.lines(news(lost)) == ["attempt 1 of 3 failed: no answer"]
    assert attempts.lines(news(LEASED, silent, LEASED, dict(silent), ended=True)) == [
        "attempt 2 of 3 failed: inst-1 went silent"
    ]


def test_an_attempt_that_was_put_off_is_said_and_not_counted() -> None:
    put_off = {**LEASED, "event": "put_off", "detail": "provider p can't be reached"}
    lost = {**LEASED, "event": "failed_retryable", "detail": "no answer"}
    attempts = LostAttempts(3)
    assert attempts.lines(news(LEASED, put_off, LEASED, lost)) == [
        "attempt 1 of 3 was put off, and isn't counted: provider p can't be reached",
        "attempt 1 of 3 failed: no answer",
    ]


def test_wait_prints_failed_attempts_on_stderr_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = {**LEASED, "event": "failed_retryable", "detail": "no answer"}
    rows = [{**ROW, "state": "running", "max_attempts": 3}, ROW]
    hub = Scripted(news(QUEUED, LEASED, lost), news(LEASED, DONE, ended=True), row=rows)
    assert command(monkeypatch, hub, "wait", "task-1") == EXIT_OK
    assert capsys.readouterr() == ("because\n", "attempt 1 of 3 failed: no answer\n")
