"""What every page has around its own content, and the times that it is read at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from agentctl.dashboard import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """`here` is the page's place in the navigation, `poll` the address that it is read again from.

    `command` gives the same on the command line. `fragment` is the content alone, for a page
    that is there already. `now_s` is wall clock, `zone` None the hub's machine's own.
    """

    title: str
    here: str = ""
    poll: str = ""
    command: str = ""
    who: str = ""
    role: str = ""
    signed_in: bool = False
    fleet: str = ""
    version: str = ""
    etag: str = ""
    now_s: float = 0.0
    zone: tzinfo | None = None
    assets: Mapping[str, str] = field(default_factory=dict)
    fragment: bool = False

    def clock(self, at_s: float | None) -> str:
        """Return a moment's date and time, "–" for none."""
        return self._local(at_s).strftime("%Y-%m-%d %H:%M:%S") if at_s else "–"

    def time(self, at_s: float | None) -> str:
        """Return a moment's time; of another day than today's, its date too."""
        if not at_s:
            return "–"
        at = self._local(at_s)
        today = at.date() == self._local(self.now_s).date()
        return at.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M")

    def iso(self, at_s: float | None) -> str:
        """Return a moment as RFC 3339 has it, for programs that read the page."""
        return self._local(at_s).isoformat(timespec="seconds") if at_s else ""

    def age(self, at_s: float | None) -> str:
        """Return how long ago a moment was, "–" for never."""
        return spoken.age(self.now_s - at_s) if at_s else "–"

    def _local(self, at_s: float) -> datetime:
        return datetime.fromtimestamp(at_s).astimezone(self.zone)
