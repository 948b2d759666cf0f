"""The stylesheet, the scripts and the icon: a handful of files of the package, by name and digest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("assets")
TYPES = {
    "board.css": "text/css; charset=utf-8",
    "board.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file's bytes, its content type, and its digest: an address that holds it never changes."""

    content: bytes
    content_type: str
    digest: str


@cache
def asset(name: str) -> Asset | None:
    """Return the asset of that name, None for any other name."""
    if name not in TYPES:
        return None
    content = (FOLDER / name).read_bytes()
    return Asset(content, TYPES[name], hashlib.sha256(content).hexdigest()[:16])


@cache
def urls() -> Mapping[str, str]:
    """Return the address of each asset."""
    found = {name: asset(name) for name in TYPES}
    return {name: f"/assets/{name}?v={each.digest}" for name, each in found.items() if each}
