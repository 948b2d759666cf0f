"""Who is signed in to the dashboard, and which one-time codes wait: in memory, by digest alone.

A hub that restarts has forgotten both: people sign in again. What a session may see hangs on
the record of a token, asked at each page: revoking it ends the session.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

SESSIONS_MAX = 500  # of all people; the longest signed in goes first
CODES_MAX = 20  # that wait to be typed in; each is made by an admin


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a session or a code hangs on: a token's record, by id and digest. Ends by the wall clock."""

    token: str
    token_digest: str
    ends_s: float


class Kept:
    """Things under the digest of what their holder shows, `most` of them. Any thread may call it."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Bound] = OrderedDict()

    def put(self, digest: str, bound: Bound) -> None:
        """Keep it; the oldest goes when there are too many."""
        with self._lock:
            self._found[digest] = bound
            while len(self._found) > self._most:
                self._found.popitem(last=False)

    def get(self, digest: str, now_s: float) -> Bound | None:
        """Return what stands there and hasn't ended."""
        with self._lock:
            bound = self._found.get(digest)
            if bound is not None and now_s >= bound.ends_s:
                del self._found[digest]
                return None
            return bound

    def take(self, digest: str, now_s: float) -> Bound | None:
        """Return it and forget it: of two that ask at once, one gets it."""
        with self._lock:
            bound = self._found.pop(digest, None)
        return bound if bound is not None and now_s < bound.ends_s else None
