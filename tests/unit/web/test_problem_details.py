"""Every error class, Falcon's own refusals and what nobody planned for: one shape, no internals."""

import json
import logging
from typing import Any

import falcon
import falcon.testing
import pytest

from agentctl import errors
from agentctl.errors import (
    AgentctlError,
    Conflict,
    Degraded,
    InputError,
    MalformedBody,
    Refused,
    StateDamaged,
    Throttled,
    Unauthenticated,
)
from agentctl.web import problems

SECRET = "it1.inst-01.sssssssssssssssssssssssssssssssssssssssssss"


class Raises:
    """A resource that raises what it is given."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        raise self.error


def ask(error: Exception, path: str = "/", method: str = "GET") -> falcon.testing.Result:
    app = falcon.App()
    problems.install(app)
    app.add_route("/", Raises(error))
    return falcon.testing.TestClient(app).simulate_request(method, path)


def document(error: AgentctlError) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(error).text)
    return found


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            Conflict("generation 4 was applied since", hint="plan again"),
            {
                "type": "urn:agentctl:problem:conflict",
                "title": "Conflict",
                "status": 409,
                "detail": "generation 4 was applied since",
                "hint": "plan again",
            },
        ),
        (
            InputError("the prompt is empty", fields=[("/prompt", "must not be empty")]),
            {
                "type": "urn:agentctl:problem:invalid-input",
                "title": "Invalid input",
                "status": 422,
                "detail": "the prompt is empty",
                "errors": [{"pointer": "/prompt", "detail": "must not be empty"}],
            },
        ),
        (
            Refused("no rule allows it", rule="default-deny", decision_id="dec-01"),
            {
                "type": "urn:agentctl:problem:refused",
                "title": "Refused by policy",
                "status": 403,
                "detail": "no rule allows it",
                "decision": "dec-01",
                "rule": "default-deny",
            },
        ),
        (
            MalformedBody("the body is not UTF-8 at byte 3"),
            {
                "type": "urn:agentctl:problem:malformed-body",
                "title": "Malformed body",
                "status": 400,
                "detail": "the body is not UTF-8 at byte 3",
            },
        ),
    ],
)
def test_an_error_is_its_problem_document(error: AgentctlError, expected: dict[str, Any]) -> None:
    result = ask(error)
    assert json.loads(result.text) == expected
    assert result.status_code == expected["status"]
    assert result.headers["content-type"] == "application/problem+json"


def test_every_error_class_has_a_document_of_its_own_type() -> None:
    classes = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, AgentctlError)
    ]
    found = {problems.problem_of(each("x"))["type"] for each in classes}
    assert len(found) == len(classes)
    assert all(each.startswith("urn:agentctl:problem:") for each in found)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Degraded("the hub is degraded"), "5"),
        (Throttled("too many", retry_after_s=0.2), "1"),
        (Throttled("too many", retry_after_s=2.1), "3"),
    ],
)
def test_what_is_away_says_when_to_come_back(error: AgentctlError, seconds: str) -> None:
    assert ask(error).headers["retry-after"] == seconds


def test_who_is_not_authenticated_is_told_how_to_be() -> None:
    assert ask(Unauthenticated("no credential")).headers["www-authenticate"] == "Bearer"


def test_an_unplanned_error_gives_a_number_and_the_log_has_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        result = ask(ZeroDivisionError(f"secret {SECRET} at /var/lib"))
    found = json.loads(result.text)
    assert result.status_code == 500
    assert found["type"] == "urn:agentctl:problem:internal"
    assert SECRET not in result.text
    assert "ZeroDivision" not in result.text
    number = found["detail"].rpartition(" ")[2]
    assert number in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_planned_refusal_leaves_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ask(Conflict("x"))
        ask(Degraded("x"))
    assert caplog.text == ""


def test_damaged_state_is_logged_since_somebody_must_act(caplog: pytest.LogCaptureFixture) -> None:
    ask(StateDamaged("record 7 failed its checksum"))
    assert "record 7" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nope", 404, "not-found"),
        ("GET", "/nope\x00\x1b[2J", 404, "not-found"),
        ("POST", "/", 405, "method-not-allowed"),
    ],
)
def test_falcons_own_refusals_have_the_same_shape(
    method: str, path: str, status: int, kind: str
) -> None:
    result = ask(ValueError(), path, method)
    found = json.loads(result.text)
    assert (result.status_code, found["status"]) == (status, status)
    assert found["type"] == f"urn:agentctl:problem:{kind}"
    assert result.headers["content-type"] == "application/problem+json"
    assert found["detail"].isprintable()


def test_a_method_that_is_not_possible_says_which_are() -> None:
    assert "GET" in ask(ValueError(), "/", "DELETE").headers["allow"]


def test_long_words_and_lists_are_bounded() -> None:
    found = document(InputError("x" * 10_000, fields=[("/p" * 2000, "y" * 2000)] * 300))
    assert len(found["detail"]) == problems.DETAIL_CHARS_MAX
    assert len(found["errors"]) == problems.ERRORS_SHOWN_MAX
    assert len(json.dumps(found)) < 250_000


def test_words_with_half_a_surrogate_pair_still_make_an_answer() -> None:
    assert document(Conflict("bad \ud800 name"))["detail"] == "bad ? name"
