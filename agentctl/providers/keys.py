"""A provider's key, fetched from its declared source at use; errors name the source, never the value."""

import os
import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from agentctl.errors import ProviderUnusable
from agentctl.model.fleet import Provider, Source, SourceKind

KEPT_S = 60.0  # so that a changed key counts within a minute, and a command isn't run per call
COMMAND_TIMEOUT_S = 10.0
KEY_BYTES_MAX = 16 * 1024
_NOUNS = {
    SourceKind.FILE: "file",
    SourceKind.ENV: "variable",
    SourceKind.COMMAND: "command",
}
_KEY = re.compile(r"[\x21-\x7e]+")  # what may stand in a header: printable, no spaces


class Keys:
    """Keys by their source, kept in memory for a minute. Threads may share it.

    `now_s` is a monotonic clock in seconds.
    """

    def __init__(self, *, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._kept: dict[Source, tuple[str, float]] = {}
        self._fetching: dict[Source, threading.Lock] = {}
        self._lock = threading.Lock()

    def key(self, provider: Provider) -> str | None:
        """Return the provider's key, or None where none is declared. Raises ProviderUnusable."""
        if provider.api_key is None:
            return None
        source = provider.api_key
        with self._lock:
            turn = self._fetching.setdefault(source, threading.Lock())
        with turn:  # one fetch at a time for a source; others go on
            value, until_s = self._kept.get(source, ("", 0.0))
            if not value or self._now_s() >= until_s:
                value = _checked(provider.name, source)
                self._kept[source] = (value, self._now_s() + KEPT_S)
            return value

    def forget(self, provider: Provider) -> None:
        """Fetch the key anew at the next call: the provider said that this one isn't valid."""
        if provider.api_key is not None:
            self._kept.pop(provider.api_key, None)


def _checked(name: str, source: Source) -> str:
    try:
        value = _fetch(source).strip()
    except (OSError, UnicodeError, subprocess.SubprocessError) as cause:
        # `from None`: a failed command's output would otherwise travel with the cause
        raise _none(name, source, _words(cause)) from None
    if not value:
        raise _none(name, source, "is not set" if source.kind is SourceKind.ENV else "is empty")
    if len(value) > KEY_BYTES_MAX or not _KEY.fullmatch(value):
        raise _none(name, source, "holds no key: one line of printable characters")
    return value


def _fetch(source: Source) -> str:
    match source.kind:
        case SourceKind.FILE:
            with Path(source.name).open("rb") as file:
                return file.read(KEY_BYTES_MAX + 1).decode()
        case SourceKind.ENV:
            return os.environ.get(source.name, "")
        case SourceKind.COMMAND:
            done = subprocess.run(
                source.argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=COMMAND_TIMEOUT_S,
                check=True,
            )
            return done.stdout.decode()


def _none(name: str, source: Source, why: str) -> ProviderUnusable:
    where = source.argv[0] if source.kind is SourceKind.COMMAND and source.argv else source.name
    return ProviderUnusable(
        f"provider {name} can't be used: it has no key",
        why=f"key {_NOUNS[source.kind]} {where} {why}",
    )


def _words(cause: Exception) -> str:
    """Return what is wrong with a source, for the end of a sentence that begins with it."""
    match cause:
        case FileNotFoundError():
            return "is missing"
        case OSError() if cause.strerror:
            return f"can't be read: {cause.strerror}"
        case subprocess.CalledProcessError():
            return f"ended with code {cause.returncode}"
        case subprocess.TimeoutExpired():
            return f"took more than {COMMAND_TIMEOUT_S:g} s"
        case _:
            return "can't be read"
