"""An agent that an operator has set apart: it gets nothing, says nothing, and nothing of it runs."""

from dataclasses import dataclass

WHY_CHARS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """Which agent, by whom, why ("" when nobody said), and since when (wall clock)."""

    agent: str
    who: str
    why: str
    since_s: float

    @property
    def spoken(self) -> str:
        """The reason against the agent, wherever one is asked for."""
        return f"quarantined by {self.who}" + (f": {self.why}" if self.why else "")
