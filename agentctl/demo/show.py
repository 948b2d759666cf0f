"""The demo's run: validate, plan, serve, apply, three tasks, and what became of them."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from agentctl import resources
from agentctl.client import Hub
from agentctl.demo import place, probe, scene, tasks
from agentctl.demo.standin import Standin
from agentctl.errors import AgentctlError, PartlyFailed, Unavailable
from agentctl.paths import StatePaths

READY_S = 30.0  # the hub answers in about one second
TASKS_S = 180.0  # three short model calls, one after the other on the same agent
STOP_S = 60.0
POLL_S = 0.2
COLUMNS = (
    "sensitivity",
    "rule",
    "agent",
    "provider",
    "boundary",
    "container",
    "state",
    "duration_s",
    "result",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """What was asked for on the command line."""

    project: Path
    once: bool
    engine: str
    providers: tuple[str, ...]
    base: str
    as_json: bool

    def say(self, line: str = "") -> None:
        """Print a line for a person: on stdout, or on stderr when stdout carries JSON."""
        click.echo(line, err=self.as_json)


def run(show: Show) -> None:
    """Run the demo; raises PartlyFailed unless all three tasks completed where they may."""
    with ExitStack() as stack:
        sample = _sample(show.project)
        probe.require_reachable(sample, show.providers)
        stage = scene.set_scene(sample)
        stack.callback(stage.take_down)
        where = place.choose(show.engine, show.base, show.say)
        show.say(where.sentence)
        standins = {
            name: stack.enter_context(Standin(name=boundary))
            for name, boundary in ((scene.PRIVATE, "private"), (scene.PUBLIC, "public"))
            if name not in show.providers
        }
        if standins:
            show.say(
                f"Models: stand-ins answer for {', '.join(standins)} (real ones: --provider NAME)."
            )
        scene.write_providers(stage, {name: each.url for name, each in standins.items()})
        scene.write_inventory(
            stage,
            engine_url=where.engine_url,
            image=where.image,
            executor=where.executor,
            contained=where.contained,
        )
        report = _play(show, stage, where, standins, stack)
        if show.as_json:
            click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    if not report["ok"]:
        raise PartlyFailed(tasks.verdict(report["rows"]))


def _sample(project: Path) -> Path:
    """Return the sample project: the one given if it is the sample's shape, else what is shipped."""
    here = project.absolute()
    return here if (here / "playbooks" / "fleet.yaml").is_file() else resources.root()


def _play(
    show: Show,
    stage: scene.Scene,
    where: place.Place,
    standins: dict[str, Standin],
    stack: ExitStack,
) -> dict[str, Any]:
    _command(show, stage, "validate")
    stack.callback(place.sweep, where, stage, show.say)
    stack.enter_context(_serving(show, stage))
    _command(show, stage, "plan")
    _command(show, stage, "apply", "--yes")
    hub = Hub(str(StatePaths(stage.state).operator_socket))
    asked = tasks.three_tasks()
    show.say("\nSubmitting three tasks …")
    ids = [hub.post("/api/hub/tasks", each.body)["id"] for each in asked]
    rows = [_ended(hub, task_id) for task_id in ids]
    public = standins.get(scene.PUBLIC)
    seen = public.seen_text() if public else ""
    wrong = [tasks.wrong_with(task, row, seen) for task, row in zip(asked, rows, strict=True)]
    shown = [_row(task, row, why) for task, row, why in zip(asked, rows, wrong, strict=True)]
    _tell(show, shown)
    if not show.once:
        _stay(show, stage)
    return {
        "engine": where.kind,
        "isolation": "container" if where.contained else "none",
        "fleet": stage.fleet,
        "standins": sorted(standins),
        "rows": shown,
        "ok": not tasks.verdict(shown),
    }


def _agentctl(stage: scene.Scene, *words: str) -> list[str]:
    common = ["--project", str(stage.project), "--state", str(stage.state)]
    return [sys.executable, "-m", "agentctl", *common, *words]


def _command(show: Show, stage: scene.Scene, *words: str) -> None:
    """Run one of agentctl's own commands, shown as a person would type it."""
    show.say(f"\n$ agentctl {' '.join(words)}")
    out = sys.stderr if show.as_json else None
    ended = subprocess.run(
        _agentctl(stage, *words), stdin=subprocess.DEVNULL, stdout=out, check=False
    )
    if ended.returncode != 0:
        raise PartlyFailed(f"`agentctl {' '.join(words)}` ended with {ended.returncode}")


@contextmanager
def _serving(show: Show, stage: scene.Scene) -> Iterator[None]:
    """Run `agentctl serve` on a port of its own until the block ends."""
    show.say("\n$ agentctl serve --listen 127.0.0.1:0 &")
    log = (stage.root / "serve.log").open("wb")
    with log:
        serve = subprocess.Popen(
            _agentctl(stage, "serve", "--listen", "127.0.0.1:0"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops it in order
        )
        try:
            _wait_ready(stage, serve)
            yield
        finally:
            serve.terminate()
            try:
                serve.wait(STOP_S)
            except subprocess.TimeoutExpired:
                serve.kill()
                serve.wait()


def _wait_ready(stage: scene.Scene, serve: "subprocess.Popen[bytes]") -> None:
    hub = Hub(str(StatePaths(stage.state).operator_socket))
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and serve.poll() is None:
        try:
            hub.get("/healthz")
        except AgentctlError:
            time.sleep(POLL_S)
        else:
            return
    log = (stage.root / "serve.log").read_text(errors="replace")
    raise Unavailable(f"`agentctl serve` did not come up: {log[-2000:].strip() or 'no output'}")


def _ended(hub: Hub, task_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + TASKS_S
    while True:
        row = hub.get(f"/api/hub/tasks/{task_id}")
        if row["finished_at_s"] is not None or time.monotonic() > deadline:
            return row
        time.sleep(POLL_S)


def _row(task: tasks.DemoTask, row: dict[str, Any], wrong: str) -> dict[str, Any]:
    result = row["result"] or {}
    return {
        "task": task.title,
        "id": row["id"],
        "sensitivity": row["sensitivity"],
        "declared": row["declared"],
        "rule": row["rule"],
        "agent": row["agent"],
        "provider": row["provider"],
        "boundary": row["boundary"],
        "container": row["container"],
        "state": row["state"],
        "duration_s": row["duration_s"],
        "result": result.get("text", ""),
        "usage": row["usage"],
        "failed": tasks.failed_with(row) or None,
        "wrong": wrong or None,
    }


def _tell(show: Show, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        show.say(f"\n{row['task']}  ({row['id']})")
        for name in COLUMNS:
            value = "" if row[name] is None else str(row[name])
            value = value[:12] if name == "container" and ":" not in value else value
            note = (
                " (the default: it said nothing)"
                if name == "sensitivity" and not row["declared"]
                else ""
            )
            show.say(
                f"  {name.removesuffix('_s'):<12} {value}{' s' if name == 'duration_s' else ''}{note}"
            )
        for word in ("failed", "wrong"):
            if row[word]:
                show.say(f"  {word.upper():<12} {row[word]}")
    good = sum(1 for row in rows if not row["wrong"] and not row["failed"])
    show.say(f"\n{good} of {len(rows)} tasks completed where they may.")


def _stay(show: Show, stage: scene.Scene) -> None:
    """Keep the fleet up until Ctrl-C, with the words to try on it."""
    show.say("\nThe fleet stays up until Ctrl-C. In another terminal:\n")
    show.say(f"  export AGENTCTL_STATE={stage.state} AGENTCTL_PROJECT={stage.project}")
    for words in (
        'submit "Explain this stack trace" --sensitivity internal --wait',
        "tasks",
        "agents",
        "status",
    ):
        show.say(f"  agentctl {words}")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        show.say("\nTaking everything down …")
