"""The reconciler's process: its parts put together, and its main loop."""

import functools
import logging
import threading
from collections.abc import Callable

from agentctl.client import Hub
from agentctl.engine import Engine, open_engine, secrets
from agentctl.loops.alerting import EVERY_S as ALERTS_EVERY_S
from agentctl.loops.alerting import Alerting
from agentctl.loops.checks import HUB_HEALTH_EVERY_S, Checks, HubHealth
from agentctl.loops.clock import MachineClock
from agentctl.loops.converge import Reconciler
from agentctl.loops.engines import Engines
from agentctl.loops.evidence import Evidence
from agentctl.loops.execute import Executor
from agentctl.loops.halt import Halt
from agentctl.loops.hub_side import Applied, HubSide
from agentctl.loops.telling import Telling
from agentctl.loops.watch import Watch
from agentctl.model.fleet import Monitoring
from agentctl.model.plan import Remove, Stop
from agentctl.paths import StatePaths

log = logging.getLogger(__name__)

STOP_SEEN_WITHIN_S = 0.5
PASSES_APART_S = 0.2  # a thousand submits a second wake us; they share a pass
TICK_MISSED_S = 60.0  # passes go on though the ticks should fail


def run(paths: StatePaths, stop: threading.Event) -> None:
    """Converge until `stop` is set. With the hub away only what is past its TTL is stopped.

    Raises ConfigError when there is no runtime directory that its agents' door could stand in.
    """
    paths.prepare(paths.process, paths.logs)
    hub = HubSide(Hub(str(paths.reconciler_socket), state=str(paths.state)))
    engines = Engines(functools.partial(open_engine, paths=paths, carried=hub.carried))
    reconciler = Reconciler(
        hub=hub,
        engines=engines,
        executor=Executor(
            hub=hub,
            engine_of=engines.of,
            resolve=secrets.resolve,
            keep_evidence=_evidence(paths),
        ),
        halt=Halt(engine_of=engines.of, keep_log=Evidence(paths.logs / "panic").keep_log),
        clock=MachineClock(),
        stop=stop,
    )
    wake = threading.Event()
    telling = Telling(resolve=secrets.resolve)
    alerting = Alerting(hub=hub, reconciler=reconciler, telling=telling, clock=MachineClock())
    health = HubHealth(
        lambda: hub.desired(after=reconciler.known_generation, wait_s=0), heard=alerting.heard
    )
    checks = _checks(health, alerting, wake)

    def take(applied: Applied) -> None:
        reconciler.take(applied)
        alerting.take(applied)
        if applied.desired is not None:
            log.info("generation %d is applied", applied.number)
            checks.every(applied.desired.monitoring.converge_s, "drift", wake.set)

    watch = Watch(
        hub,
        after=lambda: reconciler.known_generation,
        take=take,
        health=health,
        wake=wake,
        stop=stop,
    )
    checks.start()
    watch.start()
    try:
        _pass_until(reconciler, wake, stop)
    finally:
        checks.close()
        telling.close()
        reconciler.close()


def _evidence(paths: StatePaths) -> Callable[[Remove | Stop, Engine], None]:
    """Return what keeps the last words of what is removed as an orphan or stopped in quarantine."""
    orphans, apart = Evidence(paths.logs / "orphans"), Evidence(paths.logs / "quarantine")

    def keep(change: Remove | Stop, engine: Engine) -> None:
        (apart if isinstance(change, Stop) else orphans).keep(change, engine)

    return keep


def _checks(health: HubHealth, alerting: Alerting, wake: threading.Event) -> Checks:
    checks = Checks()
    checks.every(ALERTS_EVERY_S, "alerts", alerting.check)
    checks.every(HUB_HEALTH_EVERY_S, "hub-health", health.check)
    checks.every(Monitoring().converge_s, "drift", wake.set)
    return checks


def _pass_until(reconciler: Reconciler, wake: threading.Event, stop: threading.Event) -> None:
    """Make a pass at each wake; one that fails in a way nobody foresaw is logged, and the next one made."""
    quiet_s = 0.0
    while not stop.is_set():
        if not wake.wait(STOP_SEEN_WITHIN_S) and quiet_s < TICK_MISSED_S:
            quiet_s += STOP_SEEN_WITHIN_S
            continue
        wake.clear()
        quiet_s = 0.0
        try:
            reconciler.converge()
        except Exception:
            log.exception("a pass failed")
        stop.wait(PASSES_APART_S)
