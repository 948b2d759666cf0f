"""Credentials in the URLs of the files: no finding repeats them, whatever it quotes."""

import re

MASK = "***"
# What stands before an @ in a URL's authority (RFC 3986 §3.2.1). A password as people type it may
# hold any sign that its place in a URL forbids, so after a colon all up to the last @ is taken: too
# much rather than too little. Bounded, to stay linear on lines of any length. A bare name is masked
# where it may be a token (https), not where it is an account (ssh).
_USERINFO = re.compile(
    r"(?<=://)[^\s/?#@:]{0,1000}:\S{0,1000}@|(?<=https://)[^\s/?#@]{1,1000}@"
    r"|(?<=http://)[^\s/?#@]{1,1000}@",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return text without the userinfo of its URLs."""
    return _USERINFO.sub(f"{MASK}@", text) if "@" in text and "://" in text else text


def masked_line(line: str, column: int) -> tuple[str, int]:
    """Return a line without the userinfo of its URLs, and where its 0-based column is now."""
    moved = column
    for found in _USERINFO.finditer(line):
        if found.end() <= column:
            moved += len(MASK) + 1 - len(found[0])
        elif found.start() < column:
            moved -= column - found.start()
    return masked(line), moved
