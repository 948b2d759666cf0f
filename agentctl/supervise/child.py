"""One child process: its command, its log file, its process group, how it ended."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agentctl.supervise.log_file import LOG_BYTES_MAX, set_aside

LAST_WORDS_BYTES = 4096
POLL_S = 0.02


class Child:
    """A process of its own group, so that Ctrl-C reaches the supervisor alone."""

    def __init__(
        self, name: str, argv: Sequence[str], *, environ: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        self.started_s = 0.0
        self._argv = list(argv)
        self._environ = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    @property
    def pid(self) -> int:
        """The process id of the running child, 0 when it isn't running."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start it; both outputs are appended to its log. Raises OSError."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            set_aside(self.log)
        # The child gets the file itself, no pipe: it outlives a supervisor that hangs.
        with os.fdopen(
            os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab"
        ) as out:
            self._log_from = self.log.stat().st_size
            self.started_s = time.monotonic()
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self._environ,
                process_group=0,
            )

    def reload(self) -> None:
        """Ask it to read its files again (SIGHUP)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def ended(self) -> int | None:
        """Return the exit code once it has ended (a signal counts as 128 + its number), None before."""
        code = self._process.poll() if self._process else None
        if code is None:
            return None
        self._process = None
        return code if code >= 0 else 128 - code

    def stop(self, within_s: float, *, hurry: Callable[[], bool]) -> bool:
        """End it with SIGTERM, and its whole group with SIGKILL when it isn't gone within `within_s`.

        With `hurry()` true it gets no more time. Returns whether it ended by itself.
        """
        if self._process is None:
            return True
        self._process.terminate()
        in_time = self._gone_by(time.monotonic() + within_s, hurry)
        if not in_time:
            self.kill()
        self._process = None
        return in_time

    def kill(self) -> None:
        """End the whole group at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_words(self) -> str:
        """Return the last line that this run of the child wrote, of a log line its message; "" for none."""
        with self.log.open("rb") as written:
            end = written.seek(0, os.SEEK_END)
            begun = self._log_from if self._log_from <= end else 0  # it may have been set aside
            written.seek(max(begun, end - LAST_WORDS_BYTES))
            lines = written.read().decode(errors="replace").strip().splitlines()
        return _message(lines[-1]) if lines else ""

    def _gone_by(self, deadline_s: float, hurry: Callable[[], bool]) -> bool:
        assert self._process is not None
        while time.monotonic() < deadline_s and not hurry():
            if self._process.poll() is not None:
                return True
            time.sleep(POLL_S)
        return False


def _message(line: str) -> str:
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return line.removeprefix("agentctl: ")  # what the command line said when it gave up
