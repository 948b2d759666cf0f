"""Every way the CLI ends, as an outcome: exit status, the stream's result, why it was stopped.

Success is: exit status 0, and a result that was parsed and isn't an error, and
the structured output when one was asked for. `subtype` alone says nothing: it is
"success" for an API error too. Tried with 2.1.330: docs/decisions/0005-agentd.md.
"""

import re
from typing import Any

from agentd.child import End, Ending
from agentd.executors.claude_stream import Said, usage
from agentd.outcome import Failed, Outcome, Reason, Work, with_schema
from agentd.stop import StopReason, failed

PROGRAM = "claude"
NO_CLI_IN_IMAGE = (
    "the image has no Claude Code CLI: build it with `agentctl image build --claude FILE`,"
    " or set executor: messages-api"
)
NO_CLI_ON_PATH = (
    "no `claude` is on the PATH that `agentctl serve` was started with, which agents that run as"
    " processes have, too: install it there and start serve again, or set executor: messages-api"
)
_STDERR_CHARS_MAX = 1000
_RESULT_CHARS_MAX = 1000
_BY_SUBTYPE = {
    "error_max_turns": Reason.MAX_TURNS,
    "error_max_budget_usd": Reason.MAX_BUDGET,
    "error_max_structured_output_retries": Reason.NO_STRUCTURED_OUTPUT,
}
# The CLI's advice to a person at its terminal: here the gateway is ours, and its port an accident.
_ADVICE = re.compile(
    r" ?This is a server-side issue, usually temporary[^.]*\."
    r"| ?If it persists, check your inference gateway(?: \([^)]*\))?\."
)
_NOT_LOGGED_IN = "not logged in"  # the CLI's words when it finds no credential; it has no status


def outcome(
    ending: Ending, said: Said, *, stopped: StopReason | None, schema_wanted: bool, priced: bool
) -> Outcome:
    """Return how the task ended.

    `priced` says whether the CLI's dollars mean anything: for a local model it makes up a price.
    """
    result = said.result
    if result is None:
        return _without_result(ending, _so_far(said), said, stopped)
    work = _work(result, said, priced=priced)
    if result.get("is_error") is True or result.get("subtype") != "success":
        if stopped is not None:  # what it says about being stopped is not the cause
            return failed(stopped, work)
        return _error(result, work)
    if ending.how is End.EXITED and ending.status != 0 and stopped is None:
        return Failed(
            reason=Reason.CRASHED,
            detail=f"the CLI said success and {_status(ending.status)}",
            retryable=True,
            work=work,
        )
    # A whole result counts though the CLI hung at its exit, or was stopped a moment later.
    return with_schema(work, wanted=schema_wanted)


def cannot_start(cause: Exception, *, contained: bool) -> Failed:
    """Return the outcome of a CLI that can't be started: no other try helps, so the words say what does.

    `contained` is whether this is a container of its own, so that the CLI comes with its image.
    """
    if (
        isinstance(cause, FileNotFoundError) and cause.filename == PROGRAM
    ):  # else it is the workspace
        return Failed(
            reason=Reason.BAD_COMMAND, detail=NO_CLI_IN_IMAGE if contained else NO_CLI_ON_PATH
        )
    said = cause.strerror if isinstance(cause, OSError) else type(cause).__name__
    return Failed(reason=Reason.BAD_COMMAND, detail=f"the claude CLI can't be started: {said}")


def _without_result(ending: Ending, work: Work, said: Said, stopped: StopReason | None) -> Failed:
    if stopped is not None:
        return failed(stopped, work)
    if ending.how is End.IDLE:
        return Failed(
            reason=Reason.TIMEOUT,
            detail="the CLI said nothing for too long",
            retryable=True,
            work=work,
        )
    tail = ending.stderr[-_STDERR_CHARS_MAX:]
    if ending.status > 0 and said.events == 0:
        return Failed(
            reason=Reason.BAD_COMMAND,
            detail=f"the CLI {_status(ending.status)} before it began: {tail}",
        )
    return Failed(
        reason=Reason.CRASHED,
        detail=f"the CLI {_status(ending.status)} without a result: {tail}",
        retryable=True,
        work=work,
    )


def _error(result: dict[str, Any], work: Work) -> Failed:
    reason = _BY_SUBTYPE.get(str(result.get("subtype")))
    if reason is not None:
        return Failed(reason=reason, detail=_errors(result), work=work)
    status = result.get("api_error_status")
    words = _without_advice(str(result.get("result") or _errors(result)))
    if result.get("terminal_reason") == "api_error" or isinstance(status, int):
        return Failed(
            reason=Reason.API_ERROR,
            detail=f"the model's API answered {status if status is not None else 'nothing'}: {words}",
            retryable=_worth_another_try(status, words),
            work=work,
        )
    if result.get("subtype") == "success":  # not logged in, no connection: no status
        return Failed(
            reason=Reason.API_ERROR,
            detail=words,
            retryable=_worth_another_try(None, words),
            work=work,
        )
    return Failed(reason=Reason.CRASHED, detail=words, retryable=True, work=work)


def _without_advice(words: str) -> str:
    """Return an error's words, within bounds, without the CLI's advice; as they are if that is all."""
    rest = _ADVICE.sub("", words[: 2 * _RESULT_CHARS_MAX]).strip()
    return (rest or words)[:_RESULT_CHARS_MAX]


def _worth_another_try(status: Any, words: str) -> bool:
    """Whether the API may answer better later: overload and outages do, refusals don't."""
    if not isinstance(status, int):
        return _NOT_LOGGED_IN not in words.lower()
    return status in (408, 409, 425, 429) or status >= 500


def _work(result: dict[str, Any], said: Said, *, priced: bool) -> Work:
    turns, text = result.get("num_turns"), result.get("result")
    erred = result.get("is_error") is True
    counted = usage(result.get("usage"))
    return Work(
        # An error's `result` is the CLI's own words; what the model said stands in the stream.
        text=text if isinstance(text, str) and not erred else _text(said),
        structured=result.get("structured_output"),
        usage=max(counted, said.usage, key=lambda each: each.input_tokens + each.output_tokens),
        cost_usd=_amount(result.get("total_cost_usd")) if priced else None,
        turns=turns if isinstance(turns, int) and turns >= 0 else said.turns,
        session=said.session,
    )


def _so_far(said: Said) -> Work:
    return Work(
        text=_text(said),
        usage=said.usage if said.turns else None,
        turns=said.turns,
        session=said.session,
    )


def _text(said: Said) -> str:
    return "\n\n".join(said.texts)


def _errors(result: dict[str, Any]) -> str:
    errors = result.get("errors")
    words = [each for each in errors if isinstance(each, str)] if isinstance(errors, list) else []
    return "; ".join(words) or str(result.get("subtype"))


def _amount(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return float(value)


def _status(status: int) -> str:
    return f"exited with {status}" if status >= 0 else f"was ended by signal {-status}"
