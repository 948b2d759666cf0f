"""A problem document is raised as the error it was made from."""

import json

import pytest

from agentctl import errors
from agentctl.client.problems import error_from


def problem(**members: object) -> bytes:
    return json.dumps({"title": "t", "detail": "no", **members}).encode()


def raised(status: int, body: bytes, retry_after: str | None = None) -> errors.AgentctlError:
    return error_from(status, body, retry_after=retry_after, asked="GET /api/hub/tasks")


@pytest.mark.parametrize(
    "cls",
    [errors.NotFound, errors.Conflict, errors.Unauthenticated, errors.Degraded, errors.TooLarge],
)
def test_the_type_names_the_class(cls: type[errors.AgentctlError]) -> None:
    error = raised(cls.status, problem(type=f"urn:agentctl:problem:{cls.type}"))
    assert type(error) is cls
    assert error.detail == "no"


def test_a_refusal_keeps_its_decision_rule_and_hint() -> None:
    body = problem(type="urn:agentctl:problem:refused", decision="dec-1", rule="r", hint="ask")
    error = raised(403, body)
    assert isinstance(error, errors.Refused)
    assert (error.decision_id, error.rule, error.hint) == ("dec-1", "r", "ask")


def test_invalid_input_keeps_its_fields() -> None:
    fields = [{"pointer": "/prompt", "detail": "is missing"}]
    error = raised(422, problem(type="urn:agentctl:problem:invalid-input", errors=fields))
    assert isinstance(error, errors.InputError)
    assert error.fields == (("/prompt", "is missing"),)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), (None, 5.0), ("soon", 5.0), ("999999", 3600.0)]
)
def test_when_to_come_back_is_bounded(header: str | None, seconds: float) -> None:
    error = raised(503, problem(type="urn:agentctl:problem:store-unavailable"), header)
    assert isinstance(error, errors.StoreUnavailable)
    assert error.retry_after_s == seconds


def test_a_type_of_a_newer_hub_is_the_first_class_of_its_status() -> None:
    error = raised(409, problem(type="urn:agentctl:problem:invented-later"))
    assert type(error) is errors.Conflict


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"{}", b"[" * 100_000, b"\xff"])
def test_what_is_no_problem_document_says_who_was_asked(body: bytes) -> None:
    error = raised(502, body)
    assert str(error) == (
        "GET /api/hub/tasks was answered with 502 and no problem document; "
        "is that address the hub's?"
    )
