"""Allowed is exactly `{"result": {"allow": true}}` on 200; all else is refused or no answer, never a yes."""

import json
from typing import Any

import pytest

from agentctl.opa import Allowed, Denied, NoAnswer
from agentctl.opa.answer import BODY_BYTES_MAX, REASON_CHARS_MAX, read


def said(document: Any, status: int = 200) -> Any:
    return read(status, json.dumps(document).encode())


def test_allowed_is_true_on_200() -> None:
    assert said({"result": {"allow": True}}) == Allowed()
    assert said({"result": {"allow": True}, "decision_id": "d-1"}) == Allowed(decision="d-1")


def test_false_is_a_refusal_with_the_policys_reason() -> None:
    assert said({"result": {"allow": False, "reason": "frozen"}}) == Denied(reason="frozen")
    assert said({"result": {"allow": False}}) == Denied(reason="its policy gives no reason")
    assert (
        said({"result": {"allow": False, "reason": ["x"]}}).reason == "its policy gives no reason"
    )


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"result": None},
        {"result": True},
        {"result": []},
        {"result": {}},
        {"result": {"allow": "true"}},
        {"result": {"allow": 1}},
        {"result": {"allow": 1.0}},
        {"result": {"allow": None}},
        {"result": {"allow": [True]}},
        {"result": {"ALLOW": True}},
        {"allow": True},
        [{"result": {"allow": True}}],
        "true",
        True,
    ],
)
def test_other_types_and_places_are_no_answer(document: Any) -> None:
    assert isinstance(said(document), NoAnswer)


@pytest.mark.parametrize("status", [100, 201, 202, 204, 301, 302, 307, 400, 401, 404, 500, 503])
def test_another_status_is_no_answer_whatever_the_body_says(status: int) -> None:
    answer = said({"result": {"allow": True}}, status)
    assert answer == NoAnswer(why=f"it answers with status {status}", down=status >= 500)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"result": {"allow": true}',
        b'{"result": {"allow": true}} x',
        b'{"result": {"allow": false, "allow": true}}',
        b'{"result": {"allow": false}, "result": {"allow": true}}',
        b'{"result": {"allow": true, "x": NaN}}',
        b"\xff\xfe" + b'{"result": {"allow": true}}',
        b"[" * 60_000,
        b'{"result": {"allow": true, "x": ' + b"9" * 5000 + b"}}",
    ],
)
def test_what_is_not_strict_json_is_no_answer(body: bytes) -> None:
    assert isinstance(read(200, body), NoAnswer)


def test_a_body_over_the_bound_is_no_answer() -> None:
    yes = json.dumps({"result": {"allow": True}}).encode()
    assert read(200, yes.ljust(BODY_BYTES_MAX)) == Allowed()
    assert isinstance(read(200, yes.ljust(BODY_BYTES_MAX + 1)), NoAnswer)


def test_a_reason_is_one_bounded_line_without_secrets() -> None:
    reason = said(
        {"result": {"allow": False, "reason": "a\x1b[31m\nb\u202e\ud800 password=hunter22"}}
    ).reason
    assert reason == "a [31m b password=[redacted]"
    long = said({"result": {"allow": False, "reason": "x" * 10_000}}).reason
    assert (len(long), long[-1]) == (REASON_CHARS_MAX, "…")


def test_a_decision_id_is_bounded_too() -> None:
    assert len(said({"result": {"allow": True}, "decision_id": "d" * 500}).decision) == 64
    assert said({"result": {"allow": True}, "decision_id": 7}).decision == ""
