"""The ticks: checks that run now and then. No safety rule depends on one; they wake, look and tell."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC

from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

HUB_HEALTH_EVERY_S = 10.0
MISFIRE_GRACE_S = (
    30  # a tick that is this late still counts; APScheduler's own 1 s drops ticks under load
)


class Checks:
    """APScheduler with this project's settings: one run of each check at a time, late ones joined."""

    def __init__(self) -> None:
        logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it logs every single run
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            daemon=True,
            job_defaults={
                "coalesce": True,
                "max_instances": 1,
                "misfire_grace_time": MISFIRE_GRACE_S,
            },
        )

    def every(self, seconds: float, name: str, check: Callable[[], None]) -> None:
        """Run `check` every so many seconds; a second call with the same name changes its interval."""
        self._scheduler.add_job(
            check, "interval", seconds=seconds, id=name, name=name, replace_existing=True
        )

    def start(self) -> None:
        self._scheduler.start()

    def close(self) -> None:
        """Start no check any more; a running one isn't waited for."""
        self._scheduler.shutdown(wait=False)


class HubHealth:
    """Whether the hub answers; said once when it goes and once when it is back."""

    def __init__(
        self, ask: Callable[[], object], *, heard: Callable[[str], None] = lambda _trouble: None
    ) -> None:
        """`heard` is told of every answer ("") and every failure."""
        self._ask = ask
        self._heard = heard
        self._lock = threading.Lock()
        self._away = ""

    def check(self) -> None:
        """Ask the hub; what it raises is what `saw` takes."""
        try:
            self._ask()
        except Exception as why:  # noqa: BLE001 - whatever it is, the hub doesn't answer as it should
            self.saw(str(why) or type(why).__name__)
        else:
            self.saw("")

    def saw(self, problem: str) -> None:
        """Take note of an answer ("") or a failure; log only a change."""
        with self._lock:
            before, self._away = self._away, problem
        if problem and not before:
            log.warning("the hub is away: %s", problem)
        elif before and not problem:
            log.info("the hub is back")
        self._heard(problem)
