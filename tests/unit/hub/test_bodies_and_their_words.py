"""A body that doesn't meet its schema is refused in words that say where and what, never with the value."""

import time
from typing import Any

import pytest

from agentctl.errors import InputError
from agentctl.hub.bodies import document, is_schema, schema
from agentctl.hub.new_task import new_task
from agentctl.model.budget import Budget
from agentctl.model.task import NewTask

TASK = "task-" + "0" * 26
TYPES = document("wire/message")["properties"]["type"]["enum"]


def wrong(name: str, value: Any) -> list[str]:
    with pytest.raises(InputError) as refusal:
        schema(name).check(value)
    return [f"{where} {what}" for where, what in refusal.value.fields]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, ["/prompt is missing"]),
        ([], [" must be object"]),
        ({"prompt": ""}, ["/prompt must have at least 1 characters"]),
        ({"prompt": 1}, ["/prompt must be string"]),
        ({"prompt": "x", "promt": "y"}, ["/promt is unknown; did you mean prompt?"]),
        ({"prompt": "x", "a/b": 1}, ["/a~1b is unknown"]),
        (
            {"prompt": "x", "priority": 101, "max_attempts": 0},
            ["/max_attempts must be at least 1", "/priority must be at most 100"],
        ),
        ({"prompt": "x", "timeout_s": 0}, ["/timeout_s must be more than 0"]),
        ({"prompt": "x", "labels": {"a": 1}}, ["/labels/a must be string"]),
        ({"prompt": "x", "budget": {"euro": 1}}, ["/budget/euro is unknown"]),
        (
            {"prompt": "x", "capabilities": ["a", "a"]},
            ["/capabilities must not have an item twice"],
        ),
        (
            {"prompt": "x", "sensitivity": "Secret\n"},
            ["/sensitivity must be of the form ^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"],
        ),
    ],
)
def test_a_submits_refusal_says_where_and_what(value: Any, words: list[str]) -> None:
    assert wrong("api/task", value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            {"type": "task.done"},
            [f"/type must be one of {', '.join(TYPES)}"],
        ),
        (
            {"type": "task.accepted", "id": "m", "task": TASK, "attempt": True, "payload": {}},
            ["/attempt must be integer"],
        ),
        (
            {"type": "task.accepted", "id": "m", "task": TASK, "payload": {"x": 1}},
            ["/attempt is missing", "/payload/x is unknown"],
        ),
    ],
)
def test_a_messages_refusal_is_about_the_type_it_has(value: Any, words: list[str]) -> None:
    assert wrong("wire/message", value) == words


@pytest.mark.parametrize("text", ["task-1\n", "task-" + "0" * 26 + "\n", "msg\n"])
def test_a_pattern_ends_where_the_text_ends(text: str) -> None:
    message = {"type": "task.accepted", "id": text, "task": text, "attempt": 1, "payload": {}}
    assert any(each.startswith("/id must") for each in wrong("wire/message", message))


def test_no_refusal_repeats_a_value() -> None:
    secret = "s3cret" * 40_000
    for body in ({"prompt": secret}, {"prompt": "x", "sensitivity": secret}, {"prompt": [secret]}):
        with pytest.raises(InputError) as refusal:
            schema("api/task").check(body)
        assert "s3cret" not in str(refusal.value)
        assert "s3cret" not in str(refusal.value.fields)


def test_unknown_names_are_shortened_and_their_number_is_bounded() -> None:
    found = wrong("api/task", {"prompt": "x", **{f"{'n' * 300}{at}": 1 for at in range(200)}})
    assert len(found) <= 50
    assert max(map(len, found)) < 100


def test_a_bare_prompt_is_a_task_with_the_defaults() -> None:
    assert new_task({"prompt": "x"}, None) == NewTask(prompt="x")


def test_a_full_body_becomes_the_models_task() -> None:
    body = {
        "prompt": "x",
        "sensitivity": "internal",
        "capabilities": ["research"],
        "agent": "researcher",
        "labels": {"b": "2", "a": "1"},
        "priority": 5,
        "deadline_s": 1_800_000_000,
        "timeout_s": 60,
        "max_attempts": 1,
        "budget": {"usd": 1, "turns": 4},
        "output_schema": {"type": "object"},
    }
    schema("api/task").check(body)
    made = new_task(body, "job-7")
    assert made == NewTask(
        prompt="x",
        sensitivity="internal",
        capabilities=("research",),
        agent="researcher",
        labels=(("a", "1"), ("b", "2")),
        priority=5,
        deadline_s=1_800_000_000.0,
        timeout_s=60.0,
        max_attempts=1,
        budget=Budget(usd=1.0, turns=4),
        output_schema={"type": "object"},
        idempotency_key="job-7",
    )
    numbers = [made.deadline_s, made.timeout_s, made.budget.usd]
    assert all(isinstance(each, float) for each in numbers)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "x" * 129, "ключ"])
def test_an_idempotency_key_of_another_form_is_refused(key: str) -> None:
    with pytest.raises(InputError, match="Idempotency-Key"):
        new_task({"prompt": "x"}, key)


@pytest.mark.parametrize(
    ("value", "yes"),
    [
        ({}, True),
        ({"type": "object"}, True),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "string"}, True),
        ({"type": "nonsense"}, False),
        ({"required": "a"}, False),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, False),
        ({"$schema": "http://127.0.0.1/evil"}, False),
        ({"$schema": 1}, False),
    ],
)
def test_an_output_schema_is_one_that_every_reader_understands(value: Any, yes: bool) -> None:
    assert is_schema(value) is yes


@pytest.mark.parametrize(
    "body",
    [
        {f"task{at}": 1 for at in range(20_000)},
        {"id": "a", "type": "agent.heartbeat", "payload": {"holds": [{"x": 1}] * 20_000}},
        [[[[[[[[[]]]]]]]]] * 12_000,
    ],
    ids=["unknown names", "wrong items", "another thing"],
)
def test_a_body_wrong_in_a_thousand_places_costs_little_and_hears_of_one(body: Any) -> None:
    """Each fault is a copy of the value, made while nothing else in the hub runs: it took ten seconds."""
    begun_s = time.process_time()
    assert len(wrong("wire/message", body)) == 1
    assert time.process_time() - begun_s < 2.0


def test_a_name_without_end_is_shown_short() -> None:
    assert wrong("api/task", {"prompt": "x", "y" * 100_000: 1}) == [f"/{'y' * 60}… is unknown"]
