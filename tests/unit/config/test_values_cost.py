"""What normalising costs: a fleet may have thousands of declarations that differ from each other."""

from typing import Any

import pytest
from cerberus import schema

from agentctl.config.values import SCHEMAS, normalised

RULE = {"name": "r", "allow": "message.send", "from": "agent:x", "to": "agent:y"}


def test_a_schema_is_not_checked_again_for_each_item(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "rule" in SCHEMAS
    checked, _ = normalised("rule", RULE)
    assert checked["name"] == "r"

    def made(*_: Any) -> None:
        raise AssertionError("a schema was checked again")

    monkeypatch.setattr(schema.DefinitionSchema, "__init__", made)
    again, wrong = normalised("rule", {**RULE, "name": "s"})
    assert (again, wrong) == ({**checked, "name": "s"}, ())
