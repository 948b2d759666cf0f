"""A fleet as a user runs it: files, `agentctl serve`, `agentctl apply`, two stand-in models."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentctl.client import Hub
from agentctl.demo import place, scene
from agentctl.demo.standin import Standin
from agentctl.errors import AgentctlError
from agentctl.paths import StatePaths, runtime_root
from agentctl.supervise import runtime

ROOT = Path(__file__).resolve().parents[2]


def until(look: Callable[[], Any], *, timeout_s: float = 60.0, what: str = "it") -> Any:
    """Return the first true answer of `look`; errors of a hub that isn't up yet count as false."""
    deadline = time.monotonic() + timeout_s
    last: object = None
    while time.monotonic() < deadline:
        try:
            found = look()
        except AgentctlError as why:
            found, last = None, why
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen in {timeout_s:.0f} s (last: {last})")


@dataclass
class Fleet:
    """One running installation."""

    stage: scene.Scene
    standins: dict[str, Standin]
    serve: "subprocess.Popen[bytes] | None" = None
    listen: str = "127.0.0.1:0"

    @property
    def paths(self) -> StatePaths:
        return StatePaths(self.stage.state)

    @property
    def hub(self) -> Hub:
        return Hub(str(self.paths.operator_socket))

    def command(self, *words: str) -> list[str]:
        common = ["--project", str(self.stage.project), "--state", str(self.stage.state)]
        return [sys.executable, "-m", "agentctl", *common, *words]

    def run(self, *words: str, code: int | None = 0) -> "subprocess.CompletedProcess[str]":
        """Run a command; its exit code must be `code` (None: any)."""
        ended = subprocess.run(
            self.command(*words),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert code is None or ended.returncode == code, (words, ended.stdout, ended.stderr)
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended

    def start(self, *options: str) -> None:
        log = (self.stage.root / "serve.log").open("ab")
        self.serve = subprocess.Popen(
            self.command("serve", "--listen", self.listen, *options),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        until(lambda: self.hub.get("/healthz"), what="the hub", timeout_s=30)

    def log(self, name: str) -> str:
        """Return what one of serve's processes has logged."""
        return (self.paths.logs / f"{name}.log").read_text(errors="replace")

    def children(self) -> dict[str, int]:
        """Return the pids of serve's processes by name."""
        assert self.serve is not None
        listed = subprocess.run(
            ["pgrep", "-P", str(self.serve.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        found = {}
        for pid in listed:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended since it was listed
            for name in ("hub", "gateway", "egress", "reconcile", "follow"):
                if name.encode() in words:
                    found[name] = int(pid)
        return found

    def stop(self) -> int:
        assert self.serve is not None
        if self.serve.poll() is None:
            self.serve.send_signal(signal.SIGTERM)
        code = self.serve.wait(40)
        self.serve = None
        return code

    def submit(self, prompt: str, **extra: Any) -> str:
        return str(self.hub.post("/api/hub/tasks", {"prompt": prompt, **extra})["id"])

    def task(self, task_id: str) -> dict[str, Any]:
        return self.hub.get(f"/api/hub/tasks/{task_id}")

    def ended(self, task_id: str, *, timeout_s: float = 90.0) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            row = self.task(task_id)
            return row if row["finished_at_s"] is not None else None

        found: dict[str, Any] = until(look, timeout_s=timeout_s, what=f"the end of {task_id}")
        return found

    def running(self) -> dict[str, list[dict[str, Any]]]:
        """Return each agent's running instances."""
        agents = self.hub.get("/api/hub/agents")["agents"]
        return {
            each["name"]: [one for one in each["instances"] if one["state"] == "running"]
            for each in agents
        }

    def containers(self) -> set[str]:
        """Return the ids of all running containers."""
        return {one["container"] for each in self.running().values() for one in each}

    def all_running(self) -> bool:
        agents = self.hub.get("/api/hub/agents")["agents"]
        return bool(agents) and all(each["running"] >= each["replicas"] for each in agents)


@contextmanager
def fleet_of(*, engine_url: str, image: str, executor: str, sample: Path = ROOT) -> Iterator[Fleet]:
    """Yield a fleet whose files are written; everything it made is removed after."""
    contained = not engine_url.startswith("process:")
    with ExitStack() as stack:
        stage = scene.set_scene(sample)
        stack.callback(runtime.sweep, runtime_root(), but=Path("/"))  # once the state is gone
        stack.callback(stage.take_down)
        standins = {
            name: stack.enter_context(Standin(name=boundary))
            for name, boundary in ((scene.PRIVATE, "private"), (scene.PUBLIC, "public"))
        }
        scene.write_providers(stage, {name: each.url for name, each in standins.items()})
        scene.write_inventory(
            stage, engine_url=engine_url, image=image, executor=executor, contained=contained
        )
        fleet = Fleet(stage=stage, standins=standins)
        where = place.Place(
            kind="docker" if contained else "process",
            engine_url=engine_url,
            contained=contained,
            image=image,
            executor=executor,
            sentence="",
        )
        stack.callback(place.sweep, where, stage, lambda _line: None)
        try:
            yield fleet
        finally:
            if fleet.serve is not None:
                fleet.stop()


@pytest.fixture(scope="module")
def processes() -> Iterator[Fleet]:
    """A served and applied fleet of plain processes that call the model API."""
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        yield fleet


@pytest.fixture(scope="module")
def containers(docker_url: str, claude_image: str) -> Iterator[Fleet]:
    """A served and applied fleet of containers that run the real Claude Code CLI."""
    with fleet_of(engine_url=docker_url, image=claude_image, executor="claude-code") as fleet:
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        yield fleet


def environ_of(pid: int) -> str:
    """Return a process's environment as the kernel shows it."""
    return Path(f"/proc/{pid}/environ").read_text(errors="replace")


def open_files(pid: int) -> list[str]:
    """Return what a process has open, sockets by their own names."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(each))  # noqa: PTH115  # a link into /proc has no Path
        except FileNotFoundError:
            continue
    return found
