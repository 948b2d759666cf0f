"""What comes over a wire has a bound that its schema names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = sorted([*ROOT.glob("schemas/wire/*.json"), *ROOT.glob("schemas/api/*.json")])


def parts(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for name, each in value.items():
            yield from parts(each, f"{path}/{name}")
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from parts(each, f"{path}/{at}")


def types(part: dict[str, Any]) -> list[str]:
    said = part.get("type", [])
    return [said] if isinstance(said, str) else [each for each in said if isinstance(each, str)]


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_every_integer_has_a_largest(path: Path) -> None:
    """1e300 is an integer to JSON Schema, and to no record of ours."""
    unbounded = [
        where
        for where, part in parts(json.loads(path.read_text()))
        if "integer" in types(part) and not {"maximum", "exclusiveMaximum", "const"} & set(part)
    ]
    assert not unbounded, "give it a maximum; 9007199254740991 is what every reader keeps exact"
