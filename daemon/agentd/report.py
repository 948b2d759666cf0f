"""The messages that agentd sends, built from values and bounded (schemas/wire/)."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from agentd.artifacts import Collected
from agentd.assignment import Assignment
from agentd.outcome import Completed, Failed, Outcome, Progress, Reason, Work
from agentd.strict_json import DEPTH_MAX, depth, dumps

TEXT_BYTES_MAX = 192 * 1024  # the rest is in the workspace
BODY_BYTES_MAX = 248 * 1024  # the hub takes bodies of 256 KiB; JSON's escapes count
STRUCTURED_BYTES_MAX = 128 * 1024  # leaves room for text beside it
DETAIL_CHARS_MAX = 2000
NOTE_CHARS_MAX = 500
SESSION_CHARS_MAX = 200
_CUT = "\n[cut here by agentd: {left_out} more bytes]"
_STRUCTURED_DEPTH_MAX = DEPTH_MAX - 3  # it stands under payload/structured

Message = dict[str, Any]


def accepted(job: Assignment) -> Message:
    """`task.accepted`. Its id is made from the attempt, so repeating it is harmless."""
    return _about(job, "accepted", {})


def progress(job: Assignment, number: int, so_far: Progress) -> Message:
    """`task.progress`, the `number`-th of this attempt."""
    payload: dict[str, Any] = {
        "turns": so_far.turns,
        "tools": so_far.tools,
        "input_tokens": so_far.input_tokens,
        "output_tokens": so_far.output_tokens,
    }
    if so_far.note:
        payload["note"] = so_far.note[:NOTE_CHARS_MAX]
    return _about(job, "progress", payload, suffix=f".{number}")


def heartbeat(message_id: str, holds: Iterable[tuple[str, int]]) -> Message:
    """`agent.heartbeat`, naming every attempt that is held."""
    held = [{"task": task, "attempt": attempt} for task, attempt in holds]
    return {"id": message_id, "type": "agent.heartbeat", "payload": {"holds": held}}


def result(
    job: Assignment, ended: Outcome, *, duration_s: float, files: Collected | None = None
) -> Message:
    """`task.completed` or `task.failed`, with an encoded size within BODY_BYTES_MAX.

    Long text is cut and says so; structured output that is over its bound
    makes the result a failure, since half of it would be another value.
    """
    ended = _bounded_structure(ended)
    payload = _work(ended.work) | {"duration_s": round(max(duration_s, 0.0), 3)}
    payload |= _files(files) if files else {}
    if isinstance(ended, Failed):
        payload |= {
            "reason": str(ended.reason),
            "detail": ended.detail[:DETAIL_CHARS_MAX],
            "retryable": ended.retryable,
            "partial": ended.partial,
        }
    kind = "failed" if isinstance(ended, Failed) else "completed"
    message = _about(job, kind, payload, suffix=".end")
    _cut_to_fit(message)
    return message


def refused_result(job_hold: tuple[str, int], detail: str) -> Message:
    """`task.failed` in place of a result that the hub found malformed: it must not vanish silently."""
    task, attempt = job_hold
    return {
        "id": f"{task}.{attempt}.refused",
        "type": "task.failed",
        "task": task,
        "attempt": attempt,
        "payload": {
            "text": "",
            "reason": str(Reason.CRASHED),
            "detail": f"the hub did not take the result: {detail}"[:DETAIL_CHARS_MAX],
            "retryable": False,
            "partial": False,
        },
    }


def _about(job: Assignment, kind: str, payload: dict[str, Any], *, suffix: str = "") -> Message:
    return {
        "id": f"{job.task}.{job.attempt}{suffix or '.' + kind}",
        "type": f"task.{kind}",
        "task": job.task,
        "attempt": job.attempt,
        "payload": payload,
    }


def _bounded_structure(ended: Outcome) -> Outcome:
    structured = ended.work.structured
    if structured is None:
        return ended
    if depth(structured) <= _STRUCTURED_DEPTH_MAX:
        if len(dumps(structured)) <= STRUCTURED_BYTES_MAX:
            return ended
        wrong = f"is over {STRUCTURED_BYTES_MAX} bytes"
    else:
        wrong = f"nests deeper than {_STRUCTURED_DEPTH_MAX} levels"
    work = dataclasses.replace(ended.work, structured=None)
    if isinstance(ended, Completed):
        detail = f"the structured output {wrong}; have it written to a file instead"
        return Failed(reason=Reason.NO_STRUCTURED_OUTPUT, detail=detail, work=work)
    return dataclasses.replace(ended, work=work)


def _work(work: Work) -> dict[str, Any]:
    payload: dict[str, Any] = {"text": work.text}
    if work.structured is not None:
        payload["structured"] = work.structured
    if work.usage is not None:
        payload["usage"] = dataclasses.asdict(work.usage)
    if work.cost_usd is not None:
        payload["cost_usd"] = work.cost_usd
    if work.turns is not None:
        payload["turns"] = work.turns
    if work.session:
        payload["session"] = work.session[:SESSION_CHARS_MAX]
    return payload


def _files(files: Collected) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    if files.files:
        payload["artifacts"] = [dataclasses.asdict(each) for each in files.files]
    if note := files.note():
        payload["artifacts_note"] = note
    return payload


def _cut_to_fit(message: Message) -> None:
    payload = message["payload"]
    whole = payload["text"].encode("utf-8", "replace")
    keep = min(len(whole), TEXT_BYTES_MAX)
    payload["text"] = _cut(whole, keep)
    while (over := len(dumps(message)) - BODY_BYTES_MAX) > 0:
        keep = max(0, keep - max(over, keep // 8))  # escapes make it converge slowly else
        payload["text"] = _cut(whole, keep)


def _cut(whole: bytes, keep: int) -> str:
    if keep >= len(whole):
        return whole.decode("utf-8", "replace")
    said = _CUT.format(left_out=len(whole) - keep)
    return whole[: max(0, keep - len(said))].decode("utf-8", "ignore") + said
