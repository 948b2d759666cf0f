"""What an OPA server's answer means. Pure: allowed only for exactly `{"result": {"allow": true}}` on 200.

What can't be read is no answer, and no answer is never a yes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentctl.model.redaction import redact

BODY_BYTES_MAX = 64 * 1024  # a decision and its reason; a policy that returns more is not ours
REASON_CHARS_MAX = 300
DECISION_CHARS_MAX = 64  # OPA's decision ids are UUIDs


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """OPA agrees. `decision` is its own id of it, "" when it logs none."""

    decision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """OPA refuses, for a reason fit to be shown."""

    reason: str
    decision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """OPA said neither. `down`: the server itself is at fault, so asking it again soon helps nobody."""

    why: str
    down: bool = False


Answer = Allowed | Denied | NoAnswer


def read(status: int, body: bytes) -> Answer:
    """Return what an HTTP answer means; `body` is at most one byte over the bound."""
    if status != 200:
        return NoAnswer(why=f"it answers with status {status}", down=status >= 500)
    if len(body) > BODY_BYTES_MAX:
        return NoAnswer(why=f"its answer is over {BODY_BYTES_MAX} bytes")
    try:
        answer = json.loads(body, object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError):
        return NoAnswer(why="its answer is not JSON")
    if not isinstance(answer, dict) or "result" not in answer:
        return NoAnswer(why="its policy leaves the decision undefined")
    return _meaning(answer["result"], _word(answer.get("decision_id"), DECISION_CHARS_MAX))


def _meaning(result: Any, decision: str) -> Answer:
    allow = result.get("allow") if isinstance(result, dict) else None
    if allow is True:
        return Allowed(decision=decision)
    if allow is False:
        reason = _word(result.get("reason"), REASON_CHARS_MAX)
        return Denied(reason=reason or "its policy gives no reason", decision=decision)
    return NoAnswer(why="its policy's `allow` is neither true nor false")


def _word(value: object, chars_max: int) -> str:
    """Return text of a policy's fit for journals and terminals: one line, bounded, secrets taken out."""
    if not isinstance(value, str):
        return ""
    line = "".join(each if each.isprintable() else " " for each in redact(value))
    line = " ".join(line.split())
    return line if len(line) <= chars_max else line[: chars_max - 1] + "…"


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")  # which of the two was meant, nobody can say
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
