"""The hub's bearer token for an OPA server, read from its file for each question: a new one counts at once."""

import os
import re

TOKEN_BYTES_MAX = 16 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+")  # what may stand in a header: printable, no spaces


class NoToken(Exception):
    """The file gives no token. In words for agents too: they name neither the file nor what is in it."""


def token(file: str) -> str:
    """Return the token in a file; raises NoToken."""
    try:
        with open(file, "rb", opener=_without_waiting) as opened:
            value = opened.read(TOKEN_BYTES_MAX + 1).decode("ascii").strip()
    except UnicodeError:
        value = ""
    except (OSError, ValueError) as cause:
        why = cause.strerror if isinstance(cause, OSError) else None
        raise NoToken(f"the hub can't read its token for it: {why or 'no such file'}") from cause
    if len(value) > TOKEN_BYTES_MAX or not _TOKEN.fullmatch(value):
        raise NoToken("the file of the hub's token for it holds none: one line of printable words")
    return value


def _without_waiting(file: str, flags: int) -> int:
    """Open without waiting for whoever should write into it: a pipe by mistake would hold the hub."""
    return os.open(file, flags | os.O_NONBLOCK)
