"""Figures as people read them: durations, money, tokens, shares."""


def duration(seconds: float | None) -> str:
    """Return a duration in one unit, or "–" for none."""
    if seconds is None:
        return "–"
    seconds = max(seconds, 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    for unit, factor, up_to in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < up_to:
            return f"{seconds / factor:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def age(seconds: float) -> str:
    """Return how long ago, no finer than a minute: a page that didn't change stays the same for one."""
    if seconds < 60:
        return "now"
    return f"{seconds // 60:.0f} min" if seconds < 7200 else duration(seconds)


def money(usd: float | None) -> str:
    """Return dollars: cents above one, and what is below a cent too."""
    if usd is None:
        return "–"
    return f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}"


def count(number: int) -> str:
    """Return a whole number with thousands set apart: 12 345."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def many(number: int, noun: str) -> str:
    """Return "1 task" or "2 tasks"."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def size(size_bytes: float) -> str:
    """Return bytes in the largest unit of 1,024 that leaves one or more: 2 GiB."""
    units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while size_bytes >= 1024 and len(units) > 1:
        size_bytes /= 1024
        units.pop(0)
    return f"{size_bytes:.4g} {units[0]}"
