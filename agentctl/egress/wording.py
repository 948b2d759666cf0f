"""Refusals as an HTTP client of a proxy understands them: a status, and the why as problem details.

A client without a good token gets 407, and a superseded attempt 403: trying again helps neither,
but libcurl asks without a credential first and wants to be asked for one. Source: RFC 9110 §15.5.8.
"""

import json
import math
from dataclasses import dataclass

from agentctl.errors import AgentctlError, Conflict, Refused, Unauthenticated, Unavailable

PROBLEM = "urn:agentctl:problem:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer: its status, its headers in order, its body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def answer(error: AgentctlError) -> Said:
    """Return how an error is answered; the words are for the agent, who may be anybody."""
    status = status_of(error)
    problem = {
        "type": f"{PROBLEM}{error.type}",
        "title": error.title,
        "status": status,
        "detail": error.detail,
    }
    if error.hint:
        problem["hint"] = error.hint
    if isinstance(error, Refused) and error.decision_id:
        problem["decision"] = error.decision_id
    body = json.dumps(problem).encode()
    return Said(
        status=status,
        headers=[
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *_asking(error),
        ],
        body=body,
    )


def status_of(error: AgentctlError) -> int:
    """Return the status that a proxy's client acts on rightly."""
    if isinstance(error, Unauthenticated):
        return 407
    if isinstance(error, Conflict):
        return 403
    return error.status


def _asking(error: AgentctlError) -> list[tuple[str, str]]:
    if isinstance(error, Unauthenticated):
        return [("Proxy-Authenticate", 'Basic realm="agentctl"')]
    if isinstance(error, Unavailable):
        return [("Retry-After", str(max(1, math.ceil(error.retry_after_s))))]
    return []
