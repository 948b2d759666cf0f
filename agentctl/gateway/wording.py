"""Errors in the words of the Messages API, since its clients ask; the reason is the problem's own.

Format: https://docs.anthropic.com/en/api/errors. Clients try again on 408, 409, 429 and 5xx,
so a refusal that stands (a superseded attempt is a 409 at the hub) becomes a 403.
"""

import json
import math

from agentctl.errors import (
    AgentctlError,
    Conflict,
    InputError,
    NotFound,
    ProviderUnusable,
    Refused,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UpstreamFailed,
)

OVERLOADED = 529

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    411: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}


def status_of(error: AgentctlError) -> int:
    """Return the status that makes a client of the Messages API do what the error means."""
    match error:
        case TooLarge() | Unauthenticated() | Refused() | NotFound() | UpstreamFailed():
            return error.status
        case ProviderUnusable():
            return error.status
        case Conflict():
            return 403
        case InputError():
            return 400
        case Unavailable():
            return 429 if error.status == 429 else OVERLOADED
        case _:
            return 500


def body(status: int, message: str) -> bytes:
    """Return an error's JSON."""
    kind = _KINDS.get(status, "api_error")
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


def event(error: AgentctlError) -> bytes:
    """Return an error as an event at the end of a broken stream, whatever half-line came before it."""
    return b"\n\nevent: error\ndata: " + body(status_of(error), str(error)) + b"\n\n"


def headers(error: AgentctlError) -> dict[str, str]:
    """Return when, and whether, to try again (RFC 9110 §10.2.3)."""
    if isinstance(error, Unavailable):
        return {"retry-after": str(max(1, math.ceil(error.retry_after_s)))}
    return {"x-should-retry": "false"}
