"""An agent's SPIFFE ID: `spiffe://<fleet>/agent/<agent>/<instance>`.

Source: the SPIFFE-ID specification §2 (characters of trust domain and path segments).
"""

import re
from dataclasses import dataclass

_ID = re.compile(
    r"spiffe://(?P<fleet>[a-z0-9][a-z0-9._-]{0,62})"
    r"/agent/(?P<agent>[A-Za-z0-9][A-Za-z0-9._-]{0,62})"
    r"/(?P<instance>[a-z0-9][a-z0-9-]{0,63})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpiffeId:
    """The parts of an agent's SPIFFE ID; the fleet is the trust domain."""

    fleet: str
    agent: str
    instance: str

    def __str__(self) -> str:
        return f"spiffe://{self.fleet}/agent/{self.agent}/{self.instance}"


def parse(text: str) -> SpiffeId | None:
    """Return the parts, or None when the text is not exactly an agent's SPIFFE ID."""
    found = _ID.fullmatch(text)
    return SpiffeId(**found.groupdict()) if found else None
