"""What the CLI's exit status and last event mean, row by row (provoked for real in tests/engine)."""

import json
import subprocess
from typing import Any

import pytest

from agentd.assignment import Budget
from agentd.child import End, Ending
from agentd.executors.claude_outcome import cannot_start, outcome
from agentd.executors.claude_stream import ClaudeStream
from agentd.outcome import Completed, Failed, Usage
from agentd.stop import Stop, StopReason

INIT = {"type": "system", "subtype": "init", "session_id": "s-1"}
ANSWER = {
    "type": "assistant",
    "message": {
        "id": "msg_1",
        "model": "m",
        "content": [{"type": "text", "text": "so far"}],
        "usage": {"input_tokens": 12, "output_tokens": 5},
    },
}
SUCCESS = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "result": "all of it",
    "num_turns": 1,
    "total_cost_usd": 0.5,
    "usage": {"input_tokens": 12, "output_tokens": 5},
}
API_ERROR = SUCCESS | {
    "is_error": True,
    "result": "API Error: 500",
    "api_error_status": 500,
    "terminal_reason": "api_error",
}
NOT_LOGGED_IN = SUCCESS | {
    "is_error": True,
    "result": "Not logged in · Please run /login",
    "api_error_status": None,
}
MAX_TURNS = {
    "type": "result",
    "subtype": "error_max_turns",
    "is_error": True,
    "errors": ["Reached maximum number of turns (2)"],
}
MAX_BUDGET = MAX_TURNS | {"subtype": "error_max_budget_usd", "errors": ["Reached maximum budget"]}
EXECUTION = MAX_TURNS | {"subtype": "error_during_execution", "errors": ["boom"]}


def _read(*events: dict[str, Any], tokens: int | None = None) -> tuple[ClaudeStream, Stop]:
    stop = Stop()
    stream = ClaudeStream(Budget(tokens=tokens), report=lambda _progress: None, stop=stop)
    for event in events:
        stream.feed(json.dumps(event).encode() + b"\n")
    return stream, stop


def _outcome(
    *events: dict[str, Any],
    status: int = 0,
    how: End = End.EXITED,
    stderr: str = "",
    stopped: StopReason | None = None,
    schema: bool = False,
) -> Completed | Failed:
    return outcome(
        Ending(how=how, status=status, stderr=stderr),
        _read(*events)[0].said,
        stopped=stopped,
        schema_wanted=schema,
        priced=True,
    )


@pytest.mark.parametrize(
    ("name", "ended", "expected"),
    [
        ("success", _outcome(INIT, ANSWER, SUCCESS), "completed: all of it"),
        (
            "a tool was denied",
            _outcome(INIT, SUCCESS | {"permission_denials": [{}]}),
            "completed: all of it",
        ),
        (
            "it hung after its result",
            _outcome(INIT, SUCCESS, status=-15, how=End.AFTER_RESULT),
            "completed: all of it",
        ),
        (
            "it was stopped a moment after its result",
            _outcome(INIT, SUCCESS, status=143, how=End.STOPPED, stopped=StopReason.DRAINED),
            "completed: all of it",
        ),
        (
            "the schema was not met",
            _outcome(INIT, SUCCESS, schema=True),
            "no_structured_output, final: all of it",
        ),
        (
            "an API error calls itself success",
            _outcome(INIT, ANSWER, API_ERROR, status=1),
            "api_error, retryable: so far",
        ),
        (
            "the API refused",
            _outcome(INIT, API_ERROR | {"api_error_status": 403}, status=1),
            "api_error, final",
        ),
        (
            "the API was not reached",
            _outcome(INIT, API_ERROR | {"api_error_status": None}, status=1),
            "api_error, retryable",
        ),
        ("not logged in", _outcome(INIT, NOT_LOGGED_IN, status=1), "api_error, final"),
        (
            "too many turns",
            _outcome(INIT, ANSWER, MAX_TURNS, status=1),
            "max_turns, final: so far",
        ),
        (
            "over the budget",
            _outcome(INIT, ANSWER, MAX_BUDGET, status=1),
            "max_budget, final: so far",
        ),
        (
            "an error of its own",
            _outcome(INIT, ANSWER, EXECUTION, status=1),
            "crashed, retryable: so far",
        ),
        (
            "a bad flag",
            _outcome(status=1, stderr="error: unknown option"),
            "bad_command, final",
        ),
        (
            "SIGTERM from us",
            _outcome(INIT, ANSWER, status=143, how=End.STOPPED, stopped=StopReason.DRAINED),
            "stopped, retryable: so far",
        ),
        (
            "cancelled",
            _outcome(INIT, ANSWER, status=-9, how=End.STOPPED, stopped=StopReason.CANCELLED),
            "cancelled, final: so far",
        ),
        (
            "SIGTERM from elsewhere",
            _outcome(INIT, ANSWER, status=143),
            "crashed, retryable: so far",
        ),
        ("SIGINT, nothing said", _outcome(status=0), "crashed, retryable"),
        (
            "SIGINT, an error said",
            _outcome(INIT, ANSWER, EXECUTION, status=0),
            "crashed, retryable: so far",
        ),
        ("SIGKILL", _outcome(INIT, ANSWER, status=-9), "crashed, retryable: so far"),
        (
            "success said, failure returned",
            _outcome(INIT, SUCCESS, status=1),
            "crashed, retryable: all of it",
        ),
        (
            "silence",
            _outcome(INIT, ANSWER, status=-15, how=End.IDLE),
            "timeout, retryable: so far",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_end_has_its_outcome(name: str, ended: Completed | Failed, expected: str) -> None:
    match ended:
        case Completed(work=work):
            said = "completed"
        case Failed(work=work):
            said = f"{ended.reason}, {'retryable' if ended.retryable else 'final'}"
    assert (f"{said}: {work.text}" if work.text else said) == expected


def test_what_the_cli_says_about_an_error_is_the_detail_and_not_the_text() -> None:
    ended = _outcome(INIT, API_ERROR, status=1)
    assert isinstance(ended, Failed)
    assert ended.detail == "the model's API answered 500: API Error: 500"
    assert ended.work.text == ""
    assert not ended.partial


def test_the_price_of_a_model_without_one_is_not_reported() -> None:
    said = _read(INIT, SUCCESS)[0].said
    ending = Ending(how=End.EXITED, status=0, stderr="")
    ended = outcome(ending, said, stopped=None, schema_wanted=False, priced=False)
    assert ended.work.cost_usd is None


def test_an_answer_in_several_events_is_counted_once() -> None:
    stream, _ = _read(INIT, ANSWER, ANSWER)
    assert stream.said.turns == 1
    assert stream.said.usage == Usage(input_tokens=12, output_tokens=5)


def test_the_cli_s_own_words_are_no_answer_of_the_model() -> None:
    message = {
        "id": "x",
        "model": "<synthetic>",
        "content": [{"type": "text", "text": "API Error"}],
    }
    stream, _ = _read(INIT, {"type": "assistant", "message": message})
    assert stream.said.turns == 0
    assert list(stream.said.texts) == []


def test_a_spent_token_budget_asks_for_the_end() -> None:
    assert _read(INIT, ANSWER, tokens=18)[1].reason is None
    assert _read(INIT, ANSWER, tokens=17)[1].reason is StopReason.BUDGET


@pytest.mark.parametrize(
    "line",
    [b"not json", b"[]", b'{"type":"assistant","message":7}', b'{"a":NaN}', b"[" * 99999, b"\xff"],
)
def test_a_stray_line_is_passed_over(line: bytes) -> None:
    stream, _ = _read(INIT)
    stream.feed(line + b"\n" + json.dumps(SUCCESS).encode() + b"\n")
    assert stream.finished


def test_the_clis_advice_to_a_person_is_no_part_of_an_errors_words() -> None:
    said = (
        "API Error: 502 provider qwen can't be reached. This is a server-side issue, usually "
        "temporary — try again in a moment. If it persists, check your inference gateway "
        "(127.0.0.1:39267)."
    )
    ended = _outcome(API_ERROR | {"result": said, "api_error_status": 502}, status=1)
    assert isinstance(ended, Failed)
    assert ended.retryable
    assert ended.detail == (
        "the model's API answered 502: API Error: 502 provider qwen can't be reached."
    )


def _unstartable(argv: list[str], cwd: str, *, contained: bool = True) -> Failed:
    with pytest.raises(OSError) as raised:  # which of them is the test's business
        subprocess.Popen(argv, cwd=cwd, env={"PATH": "/nowhere"})
    return cannot_start(raised.value, contained=contained)


def test_an_image_without_the_cli_says_what_to_do_and_isnt_tried_again() -> None:
    failed = _unstartable(["claude", "-p"], "/")
    assert failed.detail == (
        "the image has no Claude Code CLI: build it with `agentctl image build --claude FILE`,"
        " or set executor: messages-api"
    )
    assert (failed.reason, failed.retryable) == ("bad_command", False)


def test_where_agents_are_processes_it_is_no_images_affair() -> None:
    """There is no image: the CLI is the operator's own, found by the PATH of `serve`."""
    failed = _unstartable(["claude", "-p"], "/", contained=False)
    assert failed.detail == (
        "no `claude` is on the PATH that `agentctl serve` was started with, which agents that run"
        " as processes have, too: install it there and start serve again, or set executor:"
        " messages-api"
    )
    assert (failed.reason, failed.retryable) == ("bad_command", False)


def test_a_workspace_that_is_gone_is_not_taken_for_a_missing_cli() -> None:
    failed = _unstartable(["claude", "-p"], "/nowhere")
    assert failed.detail == "the claude CLI can't be started: No such file or directory"
