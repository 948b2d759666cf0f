"""Sizes and durations as people write them, in bytes and seconds."""

import re

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)(KiB|MiB|GiB|TiB|kB|MB|GB|TB)")
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_BYTES = {
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def size_bytes(text: str) -> int:
    """Parse "2GiB" to bytes; raise ValueError for anything else."""
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("a size such as 512MiB or 2GiB")
    return int(float(match[1]) * _BYTES[match[2]])


def duration_s(text: str) -> float:
    """Parse "24h" to seconds; raise ValueError for anything else."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("a duration such as 90s, 5m or 24h")
    return round(float(match[1]) * _SECONDS[match[2]], 3)
