"""The machine's clocks, as the reconciler is given them."""

import time
from pathlib import Path


class MachineClock:
    """Wall time for containers' ages, CLOCK_BOOTTIME for waits (it goes on while the machine sleeps)."""

    @property
    def boot_id(self) -> str:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def wall_s(self) -> float:
        return time.time()

    def boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
