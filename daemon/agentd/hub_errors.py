"""How a call to the hub ends badly: it is away (ask again), or it refused (asking again won't help)."""

from agentd.door import Answer

# 401 isn't final: a new SVID may do. 408, 425 and 429 say "later" themselves.
_LATER = frozenset({401, 408, 425, 429})


class HubAway(Exception):
    """No usable answer, or one that says later; `retry_after_s` is what the hub asked for."""

    def __init__(self, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class HubRefused(Exception):
    """A final 4xx. `detail` is the hub's own words, bounded."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}")
        self.status = status
        self.detail = detail


def from_answer(answer: Answer) -> HubAway | HubRefused:
    """Return the exception that an answer other than 200 stands for."""
    detail = str(answer.body.get("detail", ""))[:300]
    if 400 <= answer.status < 500 and answer.status not in _LATER:
        return HubRefused(answer.status, detail)
    return HubAway(f"the hub answered {answer.status} {detail}", retry_after_s=answer.retry_after_s)
