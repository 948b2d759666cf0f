"""agentd as a child process of a test: booted from a document, watched, ended."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentd.process_tree import descendants, kill_exactly
from tests.fakes.hub_for_agentd import INSTANCE, INSTANCE_TOKEN, HubForAgentd, violations

DAEMON = Path(__file__).parents[2] / "daemon"
_PATH = "/usr/local/bin:/usr/bin:/bin"


def boot_document(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return a boot document for sockets and a workspace in `folder`; keywords replace fields."""
    return {
        "version": 1,
        "fleet": "acme",
        "agent": "researcher",
        "instance": INSTANCE,
        "instance_token": INSTANCE_TOKEN,
        "hub_socket": str(folder / "hub.sock"),
        "llm_socket": str(folder / "llm.sock"),
        "provider": {"name": "claude-opus", "kind": "anthropic", "model": "opus-stand-in"},
        "executor": {"kind": "command", "args": [], "argv": ["cat"]},
        "ttl_s": 300,
        "grace_s": 10,
        "heartbeat_s": 0.2,
        "slots": 1,
        "workspace": str(folder / "workspace"),
        "secrets_dir": str(folder / "secrets"),
        "secrets": {},
    } | changes


def command(*argv: str) -> dict[str, Any]:
    """Return the executor field for a command."""
    return {"kind": "command", "args": [], "argv": list(argv)}


def secrets(**values: str) -> dict[str, str]:
    """Return the secrets field of a boot document."""
    return {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}


@dataclass(slots=True)
class Agentd:
    """A running agentd. `log` grows while it runs."""

    process: subprocess.Popen[bytes]
    hub: HubForAgentd
    folder: Path
    _log: list[bytes] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    def log(self) -> str:
        """Return standard error so far."""
        return b"".join(self._log).decode()

    def events(self) -> list[str]:
        """Return the names of what was logged."""
        return [json.loads(line)["event"] for line in self.log().splitlines()]

    def read_log(self) -> None:
        """Collect standard error until its end."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._log.append(line)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self, *, within_s: float = 15.0) -> int:
        """Wait for the end and return the exit code."""
        return self.process.wait(within_s)


@contextmanager
def running(
    hub: HubForAgentd,
    folder: Path,
    *,
    prefix: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    **changes: Any,
) -> Iterator[Agentd]:
    """Run agentd against `hub`; afterwards it is gone, and the wire was kept."""
    document = boot_document(folder, **changes)
    assert violations("boot", document) == []
    (folder / "workspace").mkdir(exist_ok=True)
    agentd = Agentd(start(prefix=prefix, env=env), hub, folder)
    reader = threading.Thread(target=agentd.read_log, daemon=True)
    reader.start()
    try:
        assert agentd.process.stdin is not None
        agentd.process.stdin.write(json.dumps(document).encode())
        agentd.process.stdin.close()
        yield agentd
        assert hub.violations == []
    finally:
        _end_with_all_below(agentd.process)
        reader.join(5)
        if sys.exc_info()[0] is not None:
            print(agentd.log())  # noqa: T201 - pytest shows it with the failure


def _end_with_all_below(process: subprocess.Popen[bytes]) -> None:
    """End agentd and all below it. Stopped first: it must not start one more meanwhile."""
    below = descendants(process.pid)
    for each in below:
        with suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGSTOP)
    if process.poll() is None:
        process.send_signal(signal.SIGSTOP)
    for each in {*below, *descendants(process.pid)}:
        kill_exactly(each)
    process.kill()
    process.wait()


def start(
    *, prefix: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start agentd without a boot document."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "agentd"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env={"PATH": _PATH, "PYTHONPATH": str(DAEMON)} | dict(env or {}),
    )


def gone(pid: int, *, within_s: float = 5.0) -> bool:
    """Whether a process ends within the time (a zombie has ended)."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        os.sched_yield()
    return False
