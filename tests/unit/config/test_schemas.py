"""The schemas themselves: valid, documented, and one with what the code knows."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from agentctl.config.kinds import KINDS, schema
from agentctl.config.values import AGENT, DESTINATION, MONITORING, OPA, PROVIDER

NAMES = [each.name for each in KINDS]


@pytest.mark.parametrize("kind", NAMES)
def test_a_schema_is_valid_against_its_metaschema(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(kind))
    assert schema(kind)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema(kind)["title"]
    assert schema(kind)["description"]


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node and "type" in node:
            yield node
        for each in node.values():
            yield from _objects(each)
    elif isinstance(node, list):
        for each in node:
            yield from _objects(each)


@pytest.mark.parametrize("kind", [name for name in NAMES if name != "vars"])
def test_no_mapping_takes_unknown_keys_but_a_hosts_variables(kind: str) -> None:
    for each in _objects(schema(kind)):
        if each.get("title") == "Host":
            continue
        assert "additionalProperties" in each


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema inside a schema; not what its annotations and values hold."""
    if isinstance(node, list):
        for each in node:
            yield from _nodes(each)
    if not isinstance(node, dict):
        return
    yield node
    for keyword, inner in node.items():
        if keyword in ("properties", "$defs", "dependentSchemas"):
            yield from _nodes(list(inner.values()))
        elif keyword in ("items", "anyOf", "additionalProperties", "propertyNames"):
            yield from _nodes(inner)


@pytest.mark.parametrize("kind", NAMES)
def test_every_example_is_valid(kind: str) -> None:
    whole = schema(kind)
    accepts = jsonschema.Draft202012Validator
    for node in _nodes(whole):
        for example in node.get("examples", []):
            accepts({**node, "$defs": whole.get("$defs", {})}).validate(example)


@pytest.mark.parametrize("kind", NAMES)
def test_an_editor_knows_of_every_key_what_it_is_and_how_it_looks(kind: str) -> None:
    """A title, a description, and an example where no list of values or keys says as much."""
    whole = schema(kind)

    def meant(node: dict[str, Any]) -> dict[str, Any]:
        there = node.get("$ref", "").rpartition("/")[2]
        return {**whole.get("$defs", {}).get(there, {}), **node}

    def shown(node: dict[str, Any]) -> bool:
        whole_node = meant(node)
        if {"examples", "enum", "default", "properties"} & set(whole_node):
            return True
        ways = [each for each in whole_node.get("anyOf", []) if "template" not in str(each)]
        return whole_node.get("type") == "boolean" or any(shown(each) for each in ways)

    for node in _nodes(whole):
        for name, each in node.get("properties", {}).items():
            assert {"title", "description"} <= set(meant(each)), name
            assert shown(each), f"an example for {name}"


def test_shape_and_values_know_the_same_keys() -> None:
    agent = set(schema("playbook")["$defs"]["agent"]["properties"])
    assert agent - set(AGENT) == {"name", "when", "vars", "loop", "loop_control"}
    assert set(AGENT) <= agent
    assert set(schema("providers")["$defs"]["provider"]["properties"]) == set(PROVIDER)
    assert set(schema("providers")["$defs"]["destination"]["properties"]) == set(DESTINATION)
    assert set(schema("access")["properties"]["opa"]["properties"]) == set(OPA)
    assert set(schema("monitoring")["properties"]) == set(MONITORING)
