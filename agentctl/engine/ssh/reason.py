"""Why `ssh` ended, in one line: its own words, without what a host may have put between them. Pure."""

import re

REASON_CHARS_MAX = 200
_NOT_SHOWN = re.compile(r"[^\x20-\x7e]")  # a host that isn't ours may write to our terminal else

_CHANGED = "REMOTE HOST IDENTIFICATION HAS CHANGED"
_UNKNOWN = re.compile(r"No \S+ host key is known for (\S+)")


_REFUSED = "Permission denied (publickey"
_NO_AGENT = "; give serve your ssh-agent: --reconciler-env SSH_AUTH_SOCK"


def reason(said: bytes, code: int | None, *, has_agent: bool) -> str:
    """Return one line from standard error and the exit code (None: it was ended for taking too long).

    `has_agent` is whether it could ask an ssh-agent for a key.
    """
    text = said.decode("utf-8", "replace")
    if _CHANGED in text:
        return "the host key has changed: is it the same host? (ssh-keygen -R forgets the old one)"
    unknown = _UNKNOWN.search(text)
    if unknown:
        return _line(
            f"no host key is known for {unknown[1]}: connect once with ssh, and compare it"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines:
        refused = _REFUSED in lines[-1] and not has_agent
        return _line(lines[-1]) + (_NO_AGENT if refused else "")
    if code is None:
        return "ssh took too long"
    return f"ssh ended with {code}"


def _line(text: str) -> str:
    return _NOT_SHOWN.sub("?", text)[:REASON_CHARS_MAX]
