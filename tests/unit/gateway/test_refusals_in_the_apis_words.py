"""Clients of the Messages API retry 409, 429 and 5xx: a refusal that stands must not look like one."""

import json

import pytest

from agentctl import errors
from agentctl.gateway import wording


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.Unauthenticated("x"), 401, "authentication_error"),
        (errors.Refused("x"), 403, "permission_error"),
        (errors.Conflict("x"), 403, "permission_error"),
        (errors.NotFound("x"), 404, "not_found_error"),
        (errors.MalformedBody("x"), 400, "invalid_request_error"),
        (errors.InputError("x"), 400, "invalid_request_error"),
        (errors.TooLarge("x"), 413, "request_too_large"),
        (errors.Throttled("x"), 429, "rate_limit_error"),
        (errors.HubUnavailable("x"), 529, "overloaded_error"),
        (errors.Degraded("x"), 529, "overloaded_error"),
        (errors.UpstreamFailed("x"), 502, "api_error"),
        (errors.UpstreamSlow("x"), 504, "timeout_error"),
        (errors.StateDamaged("x"), 500, "api_error"),
    ],
)
def test_an_error_keeps_its_meaning(error: errors.AgentctlError, status: int, kind: str) -> None:
    assert wording.status_of(error) == status
    assert json.loads(wording.body(status, "why")) == {
        "type": "error",
        "error": {"type": kind, "message": "why"},
    }


def test_what_may_be_tried_again_says_when_and_what_may_not_says_so() -> None:
    assert wording.headers(errors.HubUnavailable("x", retry_after_s=2.2)) == {"retry-after": "3"}
    assert wording.headers(errors.Conflict("x")) == {"x-should-retry": "false"}


def test_a_broken_stream_ends_in_an_error_event() -> None:
    assert wording.event(errors.CallCut("it is over")) == (
        b'\n\nevent: error\ndata: {"type": "error", "error": '
        b'{"type": "api_error", "message": "it is over"}}\n\n'
    )
