"""How a call to the hub ends badly: it is away (ask again), or it refused (asking again won't help)."""

from typing import Any

from agentd.door import Answer

_FIELDS_CHARS_MAX = 500
# 401 isn't final: a new SVID may do. 408, 425 and 429 say "later" themselves.
_LATER = frozenset({401, 408, 425, 429})


class HubAway(Exception):
    """No usable answer, or one that says later; `retry_after_s` is what the hub asked for."""

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class HubRefused(Exception):
    """A final 4xx. `detail` and `hint` are the hub's own words, bounded; `check` names what refused."""

    def __init__(self, status: int, detail: str, *, check: str = "", hint: str = "") -> None:
        super().__init__(f"{status} {detail}")
        self.status = status
        self.detail = detail
        self.check = check
        self.hint = hint


def from_answer(answer: Answer) -> HubAway | HubRefused:
    """Return the exception that an answer other than 200 stands for."""
    detail = str(answer.body.get("detail", ""))[:300]
    if 400 <= answer.status < 500 and answer.status not in _LATER:
        return HubRefused(
            answer.status,
            _fields(answer.body) or detail,
            check=str(answer.body.get("check", ""))[:40],
            hint=str(answer.body.get("hint", ""))[:300],
        )
    return HubAway(f"the hub answered {answer.status} {detail}", retry_after_s=answer.retry_after_s)


def _fields(body: dict[str, Any]) -> str:
    """Return what is wrong with which fields, "" when the answer names none."""
    listed = body.get("errors")
    rows = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    said = (f"{each.get('pointer', '')} {each.get('detail', '')}".strip() for each in rows)
    return "; ".join(said)[:_FIELDS_CHARS_MAX]
