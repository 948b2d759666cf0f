"""Versions of runc with known ways out of a container: a warning, since distributions patch in place."""

import re
from collections.abc import Mapping
from typing import Any

Version = tuple[int, ...]

# What is wrong → the versions it stands in, each [first, first fixed).
RUNC_ESCAPES: dict[str, tuple[tuple[Version, Version], ...]] = {
    "CVE-2024-21626": (((0,), (1, 1, 12)),),
    "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881": (
        ((0,), (1, 2, 8)),
        ((1, 3, 0), (1, 3, 3)),
    ),
}


def describe(version: Mapping[str, Any]) -> str:
    """Return one line on an engine from its "version" answer, with a warning where one is due."""
    line = f"Docker Engine {version.get('Version', '?')} (API {version.get('ApiVersion', '?')})"
    runc = next(
        (
            str(each["Version"])
            for each in version.get("Components") or ()
            if each["Name"] == "runc"
        ),
        "",
    )
    if runc:
        line += f", runc {runc}"
    known = runc_escapes(runc)
    if known:
        line += f"; known escapes unless your distribution patched them: {', '.join(known)}"
    return line


def runc_escapes(version: str) -> list[str]:
    """Return the known escapes that a version like "1.1.5+ds1" doesn't exclude; [] for no version."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    if found is None:
        return []
    number = tuple(int(each) for each in found.groups())
    return [
        what
        for what, ranges in RUNC_ESCAPES.items()
        if any(first <= number < fixed for first, fixed in ranges)
    ]
