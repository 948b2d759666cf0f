"""Sizes and durations as operators write them in their files."""

_SIZES = (("TiB", 1024**4), ("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))
_TIMES = (("d", 86400), ("h", 3600), ("m", 60))


def size(size_bytes: int) -> str:
    """Return bytes in the largest unit that divides them: 2147483648 → "2GiB"."""
    for unit, factor in _SIZES:
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return f"{size_bytes}B"


def duration(duration_s: float) -> str:
    """Return seconds in the largest unit that divides them: 86400.0 → "1d", 1.5 → "1.5s"."""
    for unit, factor in _TIMES:
        if duration_s and duration_s % factor == 0:
            return f"{int(duration_s // factor)}{unit}"
    return f"{duration_s:g}s"
