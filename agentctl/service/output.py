"""A task's output schema: what it may be, and whether a structured result meets it.

Nothing is fetched: a schema that refers to anything outside itself is refused at submit. agentd
has the CLI keep to the schema; the hub asks once more, since what an agent says is only a claim.
"""

import json
from typing import Any, NoReturn

import jsonschema_rs

from agentctl.errors import InputError, TooLarge

SCHEMA_BYTES_MAX = 64 * 1024  # it goes to the agent with the prompt, in one assignment
WRONG_CHARS_MAX = 200


def check(schema: dict[str, Any]) -> None:
    """Raise InputError unless it is a JSON Schema (2020-12) that stands alone, TooLarge over the bound."""
    size = len(json.dumps(schema, separators=(",", ":"), ensure_ascii=False).encode())
    if size > SCHEMA_BYTES_MAX:
        raise TooLarge(f"the output schema has {size} bytes, the bound is {SCHEMA_BYTES_MAX}")
    try:
        _compiled(schema)
    except (ValueError, jsonschema_rs.ValidationError) as cause:
        why = "refers to what isn't in it, or can't be used"
        raise InputError(f"/output_schema: {why}", fields=[("/output_schema", why)]) from cause


def unmet(schema: dict[str, Any], structured: Any) -> str:
    """Return how a structured result fails its schema, in words that don't repeat it; "" when it meets it."""
    if structured is None:
        return "there is no structured output"
    try:
        first = next(iter(_compiled(schema).iter_errors(structured)), None)
    except (ValueError, jsonschema_rs.ValidationError):
        return "the output schema can't be used"
    if first is None:
        return ""
    where = "/".join(map(str, first.instance_path)) or "the whole"
    return f"{where} breaks the schema's {first.kind.name}"[:WRONG_CHARS_MAX]


def _compiled(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, retriever=_fetch_nothing)


def _fetch_nothing(_uri: str) -> NoReturn:
    raise ValueError("nothing is fetched")
