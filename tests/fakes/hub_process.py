"""Hubs in processes of their own, to be killed: born fast by the nursery, or by `agentctl hub` itself."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

from agentctl.client import Hub
from agentctl.errors import AgentctlError
from agentctl.paths import StatePaths

ROOT = Path(__file__).resolve().parents[2]
NURSERY = Path(__file__).with_name("hub_nursery.py")
READY_S_MAX = 20.0
DEAD_S_MAX = 20.0


class HubProcess:
    """One installation's hub: started, killed and started again over the same state."""

    def __init__(self, state: Path, nursery: "subprocess.Popen[str]") -> None:
        self.paths = StatePaths(state)
        self.pid = 0
        self._nursery = nursery
        self._fd = -1

    @property
    def operator(self) -> Hub:
        return Hub(str(self.paths.operator_socket))

    def bear(self, *, failpoints: str = "", breakage: str = "") -> None:
        """Start a hub without waiting for it to answer."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(f"{self.paths.state} {failpoints or '-'} {breakage or '-'}\n")
        self._nursery.stdin.flush()
        self._keep(int(self._nursery.stdout.readline()))

    def execute(self, *, failpoints: str = "") -> None:
        """Start `agentctl hub` as an operator would, in an interpreter of its own."""
        with (self.paths.state / "hub.log").open("ab") as log:
            hub = subprocess.Popen(
                [
                    *(sys.executable, "-m", "agentctl", "--state", str(self.paths.state)),
                    *("hub", "--listen", "127.0.0.1:0"),
                ],
                cwd=ROOT,
                env={**os.environ, "AGENTCTL_FAILPOINTS": failpoints},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._keep(hub.pid)

    def _keep(self, pid: int) -> None:
        self.pid = pid
        try:
            self._fd = os.pidfd_open(pid)
        except ProcessLookupError:  # it has died already, as a failpoint told it to
            self._fd = -1

    def start(self, *, failpoints: str = "", breakage: str = "") -> float:
        """Start a hub and wait until it is ready; return the seconds that took."""
        began = time.perf_counter()
        self.bear(failpoints=failpoints, breakage=breakage)
        self.await_ready()
        return time.perf_counter() - began

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_S_MAX
        while time.monotonic() < deadline:
            with suppress(AgentctlError):
                self.operator.get("/healthz")
                return
            assert not self.dead(0.01), f"the hub died:\n{self.log()[-2000:]}"
        raise AssertionError(f"no hub after {READY_S_MAX:.0f} s:\n{self.log()[-2000:]}")

    def dead(self, within_s: float = 0.0) -> bool:
        """Wait for its death at most so long; return whether it came."""
        if self._fd < 0:
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if not poll.poll(within_s * 1000):
            return False
        os.close(self._fd)
        self._fd = -1
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        return True

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._fd >= 0:
            signal.pidfd_send_signal(self._fd, number)
            assert self.dead(DEAD_S_MAX), "the hub would not end"

    def log(self) -> str:
        log = self.paths.state / "hub.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def crashes(self) -> list[str]:
        """Return the tracebacks that the hubs' log holds: being killed writes none."""
        return [each for each in self.log().splitlines() if _is_traceback(each)]


def _is_traceback(line: str) -> bool:
    if "Traceback" not in line:
        return False
    with suppress(ValueError, AttributeError):
        return json.loads(line).get("level") in ("ERROR", "CRITICAL")
    return True


@contextmanager
def hub_process() -> Iterator[HubProcess]:
    """Yield a hub over a new state, not started; all it made is removed after."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        tempfile.TemporaryDirectory(prefix="actl-kill-") as state,
        subprocess.Popen(
            [sys.executable, str(NURSERY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        ) as nursery,
    ):
        hub = HubProcess(Path(state), nursery)
        try:
            yield hub
        finally:
            hub.kill()
            assert nursery.stdin is not None
            nursery.stdin.close()
            rmtree(hub.paths.runtime, ignore_errors=True)
