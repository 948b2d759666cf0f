"""`agentctl watchdog`: a program of its own that notices that the hub is gone. A hub can't say so itself."""

import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import click

from agentctl.audit import sinks
from agentctl.audit.sinks import SinkFailed
from agentctl.cli import Settings
from agentctl.cli.duration import Duration
from agentctl.client import connect
from agentctl.errors import EXIT_OK, AgentctlError, HubUnavailable, UsageError
from agentctl.model.alert import Origin, Severity
from agentctl.model.fleet import Monitoring, Sink, SinkKind, Source
from agentctl.monitor.silence import Silence, Turn, heard

ASK_TIMEOUT_S = 5.0  # a hub that hangs counts as one that is away
TRIES = 3
TRIES_APART_S = 2.0


@click.command()
@click.option("--once", is_flag=True, help="Ask once: exit code 0 when it answers, 4 when not.")
@click.option(
    "--after",
    type=Duration(),
    default=None,
    help="How long it may be silent.  [30s, or the files']",
)
@click.option("--every", type=Duration(), default=5.0, help="How often to ask.  [5s]")
@click.option("--webhook", multiple=True, metavar="URL", help="POST there. Repeatable.")
@click.option("--command", "commands", multiple=True, help="Run this, no shell. Repeatable.")
@click.pass_obj
def watchdog(
    settings: Settings,
    once: bool,
    after: float | None,
    every: float,
    webhook: tuple[str, ...],
    commands: tuple[str, ...],
) -> int:
    """Tell somebody when the hub doesn't answer, and when it is back.

    Runs by itself, beside `serve` or on another machine. It tells on standard error, and
    where --webhook and --command say; with neither, where policies/monitoring.yaml says.
    """
    flags = (
        *(_webhook(each) for each in webhook),
        *(_command(each) for each in commands),
    )
    hub = connect(settings)

    def ask() -> None:
        try:
            hub.get("/healthz", timeout_s=ASK_TIMEOUT_S)
        finally:
            hub.close()

    if once:
        ask()
        click.echo("the hub answers")
        return EXIT_OK
    from agentctl.supervise.signals import told as heeding

    declared = _declared(settings)
    told = flags or tuple(each for each in declared.alerts if each.kind is not SinkKind.LOG)
    stop = threading.Event()
    dog = Watchdog(
        ask=ask,
        tell=lambda row: _tell(told, row, stop),
        limit_s=declared.hub_silent_s if after is None else after,
        now_s=lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        wall_s=time.time,
    )
    click.echo(f"watching {hub.target}: told after {dog.limit_s:g} s of silence", err=True)
    with heeding({signal.SIGTERM: stop.set, signal.SIGINT: stop.set}):
        while not stop.is_set():
            dog.look()
            stop.wait(every)
    return EXIT_OK


def _webhook(url: str) -> Sink:
    if not url.startswith(("http://", "https://")):
        raise UsageError("--webhook takes an http or https URL")
    return Sink(kind=SinkKind.WEBHOOK, url=url)


def _command(text: str) -> Sink:
    try:
        argv = tuple(shlex.split(text))
    except ValueError as why:
        raise UsageError(f"--command can't be read: {why}") from why
    if not argv:
        raise UsageError("--command is empty")
    return Sink(kind=SinkKind.COMMAND, argv=argv)


@dataclass(slots=True)
class Watchdog:
    """Asks and tells; time and both ends are passed in."""

    ask: Callable[[], None]
    tell: Callable[[dict[str, Any]], None]
    limit_s: float
    now_s: Callable[[], float]
    wall_s: Callable[[], float]
    silence: Silence = field(default_factory=Silence)
    gone_at_s: float = 0.0

    def look(self) -> None:
        """Ask once; tell when that makes the silence too long, or ends it."""
        trouble = self._trouble()
        if trouble and self.silence.since_s is None:
            self.gone_at_s = self.wall_s()
        self.silence, turn = heard(self.silence, trouble, now_s=self.now_s(), limit_s=self.limit_s)
        if turn is not None:
            self.tell(self._row(turn, trouble))

    def _trouble(self) -> str:
        try:
            self.ask()
        except HubUnavailable as why:
            return str(why).partition(";")[0]
        except AgentctlError:
            return ""  # whatever it says, it answers
        return ""

    def _row(self, turn: Turn, trouble: str) -> dict[str, Any]:
        gone, now_s = turn is Turn.GONE, self.wall_s()
        away_s = now_s - self.gone_at_s
        return {
            "check": "hub",
            "subject": "",
            "severity": Severity.CRITICAL.value,
            "state": "firing" if gone else "resolved",
            "words": trouble if gone else f"the hub answers again, after {away_s:.0f} s",
            "first_s": self.gone_at_s,
            "since_s": self.gone_at_s if gone else now_s,
            "last_s": now_s,
            "count": 1,
            "origin": Origin.WATCHDOG.value,
        }


def _declared(settings: Settings) -> Monitoring:
    """Return what the project's monitoring file says; the defaults when there is none to be read."""
    if not (settings.project / "policies" / "monitoring.yaml").is_file():
        return Monitoring()
    from agentctl.config import load

    try:
        desired = load(settings.project).desired
    except AgentctlError as why:
        click.echo(f"the project can't be read: {why}", err=True)
        return Monitoring()
    if desired is None:
        click.echo(
            "the project has findings, so its sinks aren't used: agentctl validate", err=True
        )
        return Monitoring()
    return desired.monitoring


def _tell(told: Iterable[Sink], row: dict[str, Any], stop: threading.Event) -> None:
    document = sinks.document(row, fleet="", installation="")
    click.echo(document["text"], err=True)
    for each in told:
        _tell_one(each, document, stop)


def _tell_one(sink: Sink, document: dict[str, Any], stop: threading.Event) -> None:
    for _ in range(TRIES):
        try:
            sinks.tell(sink, document, resolve=_resolve)
            return
        except SinkFailed as why:
            click.echo(f"{sinks.named(sink)} was not told: {why}", err=True)
        if stop.wait(TRIES_APART_S):
            return


def _resolve(source: Source) -> bytes:
    from agentctl.engine.secrets import resolve

    return resolve(source)
