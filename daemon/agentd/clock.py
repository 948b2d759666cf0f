"""Seconds since the machine started, sleep included: what TTLs and deadlines are measured in."""

import time


def boot_s() -> float:
    """Return CLOCK_BOOTTIME in seconds: it never jumps, and a suspended machine doesn't stop it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
