"""A task's output schema: what it may be, and whether a structured result meets it.

Nothing is fetched: a schema that refers to anything outside itself is refused at submit. agentd
has the CLI keep to the schema; the hub asks once more, since what an agent says is only a claim.
"""

import json
from typing import Any

from agentctl.errors import InputError, TooLarge
from agentctl.model.digest import digest
from agentctl.service.judging import OPERATORS, Known, judged

SCHEMA_BYTES_MAX = 64 * 1024  # it goes to the agent with the prompt, in one assignment
WRONG_CHARS_MAX = 200
KNOWN_MAX = 256

_known = Known(KNOWN_MAX)


def check(schema: dict[str, Any], *, asker: str = OPERATORS) -> None:
    """Raise InputError unless it is a JSON Schema (2020-12) that stands alone, TooLarge over the bound.

    `asker` is the agent that wants it, "" for operators: one of its schemas is judged at a time.
    Raises Throttled or Unavailable when too many are.
    """
    size = len(json.dumps(schema, separators=(",", ":"), ensure_ascii=False).encode())
    if size > SCHEMA_BYTES_MAX:
        raise TooLarge(f"the output schema has {size} bytes, the bound is {SCHEMA_BYTES_MAX}")
    name = digest(schema)
    why = _known.find(name)
    if why is None:
        why = judged(schema, asker=asker)
        _known.keep(name, why)
    if why:
        raise InputError(f"/output_schema: {why}", fields=[("/output_schema", why)])


def unmet(schema: dict[str, Any], structured: Any, *, asker: str = OPERATORS) -> str:
    """Return how a structured result fails its schema, in words that don't repeat it; "" when it meets it.

    Raises Throttled or Unavailable when too many are judged at once: its sender sends it again.
    """
    if structured is None:
        return "there is no structured output"
    return judged(schema, structured, asker=asker)[:WRONG_CHARS_MAX]
