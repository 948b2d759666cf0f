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


@pytest.mark.parametrize("kind", NAMES)
def test_every_example_is_valid(kind: str) -> None:
    whole = schema(kind)
    accepts = jsonschema.Draft202012Validator
    for node in [whole, *whole.get("$defs", {}).values()]:
        for example in node.get("examples", []):
            accepts({**node, "$defs": whole.get("$defs", {})}).validate(example)


def test_shape_and_values_know_the_same_keys() -> None:
    agent = set(schema("playbook")["$defs"]["agent"]["properties"])
    assert agent - set(AGENT) == {"name", "when", "vars", "loop", "loop_control"}
    assert set(AGENT) <= agent
    assert set(schema("providers")["$defs"]["provider"]["properties"]) == set(PROVIDER)
    assert set(schema("providers")["$defs"]["destination"]["properties"]) == set(DESTINATION)
    assert set(schema("access")["properties"]["opa"]["properties"]) == set(OPA)
    assert set(schema("monitoring")["properties"]) == set(MONITORING)
