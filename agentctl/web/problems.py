"""Errors as problem details (RFC 9457): stable types, JSON pointers, never an internal."""

import json
import logging
import math
import re
import secrets
from typing import Any

import falcon

from agentctl.errors import AgentctlError, InputError, Refused, Unavailable

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:agentctl:problem:"
ERRORS_SHOWN_MAX = 100
DETAIL_CHARS_MAX = 4000
FIELD_CHARS_MAX = 1000
RETRY_AFTER_S_MIN = 1

# Falcon's and waitress's own refusals, by status: the types that agentctl.errors has no class for.
_TYPES = {
    400: ("bad-request", "Bad request"),
    401: ("unauthenticated", "Not authenticated"),
    403: ("refused", "Refused"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method not allowed"),
    411: ("length-required", "Length required"),
    413: ("too-large", "Too large"),
    415: ("unsupported-media-type", "Unsupported media type"),
    429: ("throttled", "Too many requests"),
    431: ("too-large", "Too large"),
    503: ("unavailable", "Unavailable"),
}

log = logging.getLogger("agentctl.web")


def problem_of(error: AgentctlError) -> dict[str, Any]:
    """Return an error as a problem document."""
    problem: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{error.type}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail[:DETAIL_CHARS_MAX],
    }
    if error.hint:
        problem["hint"] = error.hint[:DETAIL_CHARS_MAX]
    if isinstance(error, InputError) and error.fields:
        problem["errors"] = [
            {"pointer": where[:FIELD_CHARS_MAX], "detail": what[:FIELD_CHARS_MAX]}
            for where, what in error.fields[:ERRORS_SHOWN_MAX]
        ]
    if isinstance(error, Refused):
        named = {"decision": error.decision_id, "rule": error.rule}
        problem.update({key: value for key, value in named.items() if value})
    if error.check:
        problem["check"] = error.check
    return problem


def problem_of_status(status: int, detail: str) -> dict[str, Any]:
    """Return the problem document of a refusal that has no class in agentctl.errors."""
    name, title = _TYPES.get(status, ("", ""))
    return {
        "type": f"{TYPE_PREFIX}{name}" if name else "about:blank",
        "title": title or falcon.code_to_http_status(status).partition(" ")[2],
        "status": status,
        "detail": detail,
    }


def as_bytes(problem: dict[str, Any]) -> bytes:
    """Return a problem document as it goes over the wire."""
    return json.dumps(problem, ensure_ascii=False).encode("utf-8", "replace")


def retry_after(seconds: float) -> str:
    """Return seconds as the Retry-After header has them: whole, at least one (RFC 9110 §10.2.3)."""
    return str(max(RETRY_AFTER_S_MIN, math.ceil(seconds)))


def install(app: "falcon.App[Any, Any]") -> None:
    """Make a Falcon app answer every error, planned or not, as problem details."""
    app.add_error_handler(Exception, _unexpected)
    app.add_error_handler(falcon.HTTPError, _from_falcon)
    app.add_error_handler(AgentctlError, _planned)


def answer(resp: falcon.Response, problem: dict[str, Any]) -> None:
    """Make a response carry a problem document."""
    resp.status = falcon.code_to_http_status(problem["status"])
    resp.content_type = CONTENT_TYPE
    resp.data = as_bytes(problem)


def _planned(
    _req: falcon.Request, resp: falcon.Response, error: AgentctlError, _params: dict[str, Any]
) -> None:
    if error.status >= 500 and not isinstance(error, Unavailable):
        log.error("answered %d: %s", error.status, error, exc_info=error)
    answer(resp, problem_of(error))
    if isinstance(error, Unavailable):
        resp.set_header("Retry-After", retry_after(error.retry_after_s))
    if error.status == 401:
        resp.set_header("WWW-Authenticate", "Bearer")  # RFC 9110 §11.6.1 demands one


def _from_falcon(
    req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: dict[str, Any]
) -> None:
    status = int(str(error.status)[:3])
    if status == 404:
        detail = f"there is nothing at {_shown(req.path)}"
    elif status == 405:
        detail = f"{_shown(req.method)} is not possible at {_shown(req.path)}"
    else:
        detail = error.description or error.title or "the request can't be answered"
    answer(resp, problem_of_status(status, detail))
    resp.set_headers(error.headers or {})


def _unexpected(
    req: falcon.Request, resp: falcon.Response, error: Exception, _params: dict[str, Any]
) -> None:
    """Answer what nobody planned for: the log has all of it, the answer only where to look."""
    number = secrets.token_hex(6)
    log.error("unplanned %s in %s %s", number, req.method, _shown(req.path), exc_info=error)
    answer(
        resp,
        {
            **problem_of(AgentctlError(f"something failed that nobody planned for: {number}")),
            "hint": f"the log has the cause under {number}; please report it",
        },
    )


def _shown(text: str) -> str:
    """Return a request's own words short and printable, fit for a log line or an answer."""
    return re.sub(r"[^\x21-\x7e]", "?", text[:200])
