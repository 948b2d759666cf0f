"""Pages as they were last rendered: many who look at one cost a rendering a second at the most."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

FRESH_S = 1.0  # a page of a busy fleet changes with every task: no eye follows that
KEPT_MAX = 64  # pages, some 20 KiB each; one with a whole result has 200


@dataclass(frozen=True, slots=True)
class Print:
    """A page's bytes, its ETag, and what it hung on when. `at_s` is CLOCK_BOOTTIME."""

    body: bytes
    etag: str
    stamp: object
    at_s: float


class Printed:
    """The last pages by who may see them. Any thread may call it; two may render one page at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prints: OrderedDict[Hashable, Print] = OrderedDict()

    def get(
        self,
        key: Hashable,
        shell: Hashable,
        *,
        now_s: float,
        stamp: Callable[[], object],
        body: Callable[[str], bytes],
    ) -> Print:
        """Return the page of `key`: as it is there while fresh or of the same stamp, else a new one.

        `body` renders it, given its ETag. `shell` is what stands around its content, which the
        ETag says nothing of: a fragment replaces what a whole page showed.
        """
        place = (key, shell)
        with self._lock:
            kept = self._prints.get(place)
        if kept is not None and 0 <= now_s - kept.at_s < FRESH_S:
            return kept
        hangs_on = stamp()
        if kept is not None and kept.stamp == hangs_on:
            found = Print(kept.body, kept.etag, hangs_on, now_s)
        else:
            etag = _etag(key, hangs_on)
            found = Print(body(etag), etag, hangs_on, now_s)
        with self._lock:
            self._prints[place] = found
            self._prints.move_to_end(place)
            while len(self._prints) > KEPT_MAX:
                self._prints.popitem(last=False)
        return found


def _etag(key: Hashable, stamp: object) -> str:
    """Return a weak validator (RFC 9110 §8.8.1): the same for what shows the same."""
    digest = hashlib.blake2b(repr((key, stamp)).encode("utf-8", "replace"), digest_size=12)
    return f'W/"{digest.hexdigest()}"'
