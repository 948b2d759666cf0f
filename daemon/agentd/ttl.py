"""The end of this instance's time, kept whatever happens: by asking, by exiting, by the C library."""

import faulthandler
import os
import sys
import threading
from collections.abc import Callable

from agentd import clock, log

LAST_RESORT_S = 5.0  # after the TTL: should no Python thread run any more
_TURN_S = 5.0  # CLOCK_BOOTTIME goes on in a suspended machine, a thread's wait doesn't


class Ttl:
    """Asks for an orderly end shortly before `ttl_s`, and exits at `ttl_s` without asking."""

    def __init__(
        self,
        *,
        ttl_s: float,
        grace_s: float,
        drain: Callable[[], None],
        end: Callable[[], None],
        now_s: Callable[[], float] = clock.boot_s,
    ) -> None:
        self._now_s = now_s
        self._exit_at_s = now_s() + ttl_s
        self._drain_at_s = self._exit_at_s - min(grace_s, ttl_s / 2)
        self._ttl_s = ttl_s
        self._drain = drain
        self._end = end

    def start(self) -> None:
        """Start the watch. The last resort is a timer in C that needs no interpreter lock."""
        faulthandler.dump_traceback_later(
            self._ttl_s + LAST_RESORT_S, exit=True, file=sys.__stderr__ or sys.stderr
        )
        threading.Thread(target=self._watch, name="ttl", daemon=True).start()

    def _watch(self) -> None:
        self._sleep_until(self._drain_at_s)
        log.info("ttl.near", ttl_s=self._ttl_s)
        self._drain()
        self._sleep_until(self._exit_at_s)
        log.warning("ttl.over", ttl_s=self._ttl_s)
        try:
            self._end()
        finally:
            os._exit(0)

    def _sleep_until(self, at_s: float) -> None:
        never = threading.Event()
        while (left_s := at_s - self._now_s()) > 0:
            never.wait(min(left_s, _TURN_S))
