"""schemas/wire: valid, closed, named as they are filed, and what another engineer may rely on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.fakes.hub_for_agentd import INSTANCE, WIRE, task_id, violations

SCHEMAS = sorted(WIRE.glob("*.schema.json"))
HOLD = {"task": task_id(1), "attempt": 1}


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield schema
        for each in schema.values():
            yield from _objects(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _objects(each)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_schema_is_valid_and_named_as_it_is_filed(path: Path) -> None:
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    name = path.name.removesuffix(".schema.json")
    assert schema["$id"] == f"urn:agentctl:schema:wire:{name}"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_an_object_takes_no_unknown_field(path: Path) -> None:
    for each in _objects(json.loads(path.read_text())):
        dispatches = "allOf" in each  # its cases are closed
        assert dispatches or each.get("additionalProperties") is False


def _completed(**payload: Any) -> dict[str, Any]:
    return {"id": "m-1", "type": "task.completed", **HOLD, "payload": {"text": ""} | payload}


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("message", _completed()),
        ("message", {"id": "b.1", "type": "agent.heartbeat", "payload": {"holds": [HOLD]}}),
        ("message.answer", {"id": "b.1", "accepted": True, "lost": [HOLD]}),
        ("messages.answer", {"messages": []}),
    ],
)
def test_what_the_wire_allows(name: str, document: dict[str, Any]) -> None:
    assert violations(name, document) == []


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("message", _completed(texts="")),
        ("message", _completed(text="x" * (192 * 1024 + 1))),
        ("message", _completed() | {"task": "../../x"}),
        ("message", _completed() | {"attempt": 0}),
        ("message", _completed() | {"id": "a b"}),
        ("message", _completed() | {"type": "task.approved"}),
        ("message", {"id": "1", "type": "agent.heartbeat", "payload": {}, "task": task_id(1)}),
        ("messages.answer", {"messages": [{"type": "task.cancel"}]}),
        ("svid.answer", {"svid": "a.b.c", "spiffe_id": "spiffe://x/y", "expires_in_s": 3600}),
        ("boot", {"version": 1, "instance": INSTANCE}),
    ],
)
def test_what_the_wire_refuses(name: str, document: dict[str, Any]) -> None:
    assert violations(name, document) != []
