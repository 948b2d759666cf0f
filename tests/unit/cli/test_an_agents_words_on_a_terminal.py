"""An agent's words reach an operator's terminal: none of them is a command to it."""

import json
import sys

import pytest

from agentctl.cli import output, submit, task_screen, tasks

HOSTILE = "done\x1b]52;c;ZXZpbA==\x07\r\x9b2J\u202eok"
CONTROLS = ("\x1b", "\x07", "\r", "\x9b", "\u202e")


def none_of_them(printed: str) -> bool:
    return not any(each in printed for each in CONTROLS)


def test_lines_and_tabs_stay_and_all_else_that_moves_a_cursor_is_escaped() -> None:
    assert output.harmless("größe\tone\ntwo 日本") == "größe\tone\ntwo 日本"
    assert output.harmless("\x1b[2J\r") == "\\x1b[2J\\r"


def test_a_result_is_itself_for_a_program_and_harmless_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = {"id": "task-1", "state": "completed", "result": {"text": HOSTILE}, "error": None}
    submit.show_end(task)
    assert capsys.readouterr().out == HOSTILE + "\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    submit.show_end(task)
    assert none_of_them(capsys.readouterr().out)


def test_notes_events_prompts_and_cells_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    tasks._show_text("result", HOSTILE)
    output.table(("name",), [(HOSTILE,)])
    printed = capsys.readouterr().out
    event = task_screen.event_line({"at_s": 0, "event": "failed", "detail": HOSTILE})
    news = {"task": "task-1", "state": "running", "progress": {"note": HOSTILE}, "events": []}
    assert none_of_them(printed + event + task_screen.in_words(news))


def test_json_says_the_same_with_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit({"text": HOSTILE + "\U000e0001"})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"text": HOSTILE + "\U000e0001"}
    assert none_of_them(printed)
