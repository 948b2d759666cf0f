"""Problem details (RFC 9457) back into the error they were made from."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from agentctl.errors import AgentctlError, InputError, Refused, Unavailable

PREFIX = "urn:agentctl:problem:"
RETRY_AFTER_S_MAX = 3600.0  # a number from the wire; nobody waits longer on its word
DETAIL_CHARS_MAX = 4000


def error_from(status: int, body: bytes, *, retry_after: str | None, asked: str) -> AgentctlError:
    """Return the error that an answer of 400 or above stands for.

    `asked` says what was asked ("GET /api/hub/tasks"); it speaks where the answer is no
    problem document, so comes from something that isn't the hub.
    """
    problem = _document(body)
    if problem is None:
        return AgentctlError(
            f"{asked} was answered with {status} and no problem document",
            hint="is that address the hub's?",
        )
    name = str(problem.get("type", "")).removeprefix(PREFIX)
    error = _build(_class_for(name, status), problem, retry_after)
    return error.of_check(str(problem.get("check", "")))


def _document(body: bytes) -> Mapping[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and "detail" in document else None


def _all(cls: type[AgentctlError]) -> Iterator[type[AgentctlError]]:
    yield cls
    for each in cls.__subclasses__():
        yield from _all(each)


def _class_for(name: str, status: int) -> type[AgentctlError]:
    """Return the class of that problem type; for one a newer hub invented, the first of its status."""
    classes = list(_all(AgentctlError))
    named = (each for each in classes if each.type == name)
    alike = (each for each in classes if each.status == status)
    return next(named, None) or next(alike, AgentctlError)


def _build(
    cls: type[AgentctlError], problem: Mapping[str, Any], retry_after: str | None
) -> AgentctlError:
    detail = str(problem["detail"])[:DETAIL_CHARS_MAX]
    hint = str(problem["hint"]) if problem.get("hint") else None
    if issubclass(cls, InputError):
        return cls(detail, hint=hint, fields=tuple(_fields(problem.get("errors"))))
    if issubclass(cls, Refused):
        return cls(detail, hint=hint, rule=problem.get("rule"), decision_id=problem.get("decision"))
    if issubclass(cls, Unavailable):
        return cls(detail, hint=hint, retry_after_s=_seconds(retry_after))
    return cls(detail, hint=hint)


def _fields(errors: Any) -> Iterator[tuple[str, str]]:
    for each in errors if isinstance(errors, list) else ():
        if isinstance(each, dict):
            yield str(each.get("pointer", "")), str(each.get("detail", ""))


def _seconds(header: str | None) -> float:
    """Return Retry-After in seconds (RFC 9110 §10.2.3); its date form isn't used by the hub."""
    if header is None or not header.strip().isdigit():
        return 5.0
    return min(float(header), RETRY_AFTER_S_MAX)
