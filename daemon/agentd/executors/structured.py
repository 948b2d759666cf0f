"""Finds the JSON document in an answer that was asked for one."""

from typing import Any

from agentd.strict_json import Malformed, loads

_FENCE = "```"


def structured(text: str) -> Any:
    """Return the answer as JSON, with or without a Markdown fence around it; None when it isn't.

    Whether it meets the schema is the hub's to check: a schema validator isn't
    in the standard library.
    """
    bare = text.strip()
    if bare.startswith(_FENCE) and bare.endswith(_FENCE) and "\n" in bare:
        bare = bare[bare.index("\n") : -len(_FENCE)]
    try:
        return loads(bare)
    except Malformed:
        return None
