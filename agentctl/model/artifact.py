"""A file that a task left in its workspace's `artifacts/`, and the bounds of such files."""

import re
from dataclasses import dataclass

ARTIFACTS_MAX = 64  # of one task; more belong in an archive
ARTIFACT_BYTES_MAX = 32 * 1024 * 1024
ARTIFACTS_BYTES_MAX = 64 * 1024 * 1024  # of one task together
ARTIFACT_NAME_CHARS_MAX = 200

# Parts without control characters, none of them "." or "..": safe in a path, a URL, a terminal.
ARTIFACT_NAME = re.compile(
    r"(?!(?:.*/)?\.{1,2}(?:/|$))[^/\x00-\x1f\x7f-\x9f]{1,128}(?:/[^/\x00-\x1f\x7f-\x9f]{1,128}){0,7}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """`name` is the path below `artifacts/`, with `/`; `label` is that of the container it is from."""

    name: str
    size: int
    sha256: str
    label: str = ""


def is_name(name: str) -> bool:
    """Whether an artifact may have that name."""
    return len(name) <= ARTIFACT_NAME_CHARS_MAX and bool(ARTIFACT_NAME.fullmatch(name))
