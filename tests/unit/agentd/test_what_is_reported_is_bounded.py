"""Results fit the hub's bounds whatever the task printed, and never hold the task's token."""

import json
from typing import Any

import pytest

from agentd import redact, report
from agentd.assignment import Assignment, Budget
from agentd.known_secrets import KnownSecrets
from agentd.outcome import Completed, Failed, Outcome, Reason, Work
from agentd.strict_json import dumps
from tests.fakes.hub_for_agentd import model_token, task_id, violations

HUB_BODY_BYTES_MAX = 256 * 1024
TOKEN = model_token(task_id(1), 1)
JOB = Assignment(
    message="msg-1",
    task=task_id(1),
    attempt=1,
    prompt="p",
    model_token=TOKEN,
    sensitivity="internal",
    timeout_s=60,
    lease_s=30,
    heartbeat_s=10,
    budget=Budget(),
    output_schema=None,
)


def _sent(ended: Outcome) -> dict[str, Any]:
    message = report.result(JOB, ended, duration_s=1.23456)
    assert violations("message", json.loads(json.dumps(message))) == []
    return message


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "\x00" * 1_000_000, '"' * 1_000_000, "ä" * 500_000, "\ud800" * 300_000],
    ids=["plain", "escaped sixfold", "escaped twofold", "two bytes", "lone surrogates"],
)
def test_a_long_text_is_cut_until_its_encoding_fits_and_says_so(text: str) -> None:
    message = _sent(Completed(work=Work(text=text)))
    assert len(dumps(message)) <= HUB_BODY_BYTES_MAX
    assert len(message["payload"]["text"].encode("utf-8", "replace")) <= report.TEXT_BYTES_MAX
    assert message["payload"]["text"].endswith("more bytes]")


def test_a_text_at_the_bound_is_whole() -> None:
    text = "x" * report.TEXT_BYTES_MAX
    assert _sent(Completed(work=Work(text=text)))["payload"]["text"] == text


@pytest.mark.parametrize(
    ("structured", "words"),
    [
        (["x" * 200_000], "the structured output is over 131072 bytes"),
        (json.loads("[" * 40 + "]" * 40), "the structured output nests deeper than 29 levels"),
    ],
    ids=["large", "deep"],
)
def test_structured_output_over_its_bound_is_a_failure_and_never_cut(
    structured: object, words: str
) -> None:
    message = _sent(Completed(work=Work(text="said", structured=structured)))
    assert message["type"] == "task.failed"
    assert message["payload"]["detail"].startswith(words)
    assert message["payload"]["text"] == "said"


def test_text_and_structured_output_share_one_body() -> None:
    work = Work(text='"' * 300_000, structured=["y" * 120_000])
    message = _sent(Completed(work=work))
    assert message["payload"]["structured"] == ["y" * 120_000]
    assert len(dumps(message)) <= HUB_BODY_BYTES_MAX


def test_the_same_attempt_s_result_has_the_same_id() -> None:
    ids = {_sent(Completed(work=Work(text=text)))["id"] for text in ("a", "b")}
    assert ids == {f"{JOB.task}.1.end"}


def test_the_task_s_token_is_taken_out_of_everything() -> None:
    work = Work(text=f"a {TOKEN} b", structured={TOKEN: [TOKEN]}, session=TOKEN)
    ended = Failed(reason=Reason.CRASHED, detail=f"said {TOKEN}", work=work)
    known = KnownSecrets({"the model token": TOKEN.encode()})
    assert TOKEN not in json.dumps(_sent(redact.outcome(ended, known)))
