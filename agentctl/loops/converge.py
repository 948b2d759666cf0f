"""The reconciler's pass: look, tell the hub, plan, carry out, report. Level-triggered: each starts anew."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agentctl.errors import AgentctlError, Unavailable
from agentctl.loops.carry_out import CarryOut, Step
from agentctl.loops.engines import Engines
from agentctl.loops.execute import Executor
from agentctl.loops.halt import Halt, running
from agentctl.loops.hub_side import Applied, HubSide, Registry
from agentctl.loops.memory import Memory
from agentctl.loops.report import Report, StepState
from agentctl.model.fleet import DesiredState
from agentctl.model.instance import Container, ObservedState
from agentctl.model.mode import ModeName, Verb
from agentctl.model.plan import Drain, Plan, Remove, Stop
from agentctl.model.ports import Clock
from agentctl.monitor import permits
from agentctl.monitor.engine_snapshot import EngineSnapshot, Stray
from agentctl.reconcile import plan
from agentctl.reconcile.changes import Change, changes
from agentctl.reconcile.drifted import place_of
from agentctl.reconcile.expiry import expired
from agentctl.reconcile.own_word import own_word

log = logging.getLogger(__name__)

OVERDUE_S = 90.0  # past TTL and grace: the stop at TTL_SLACK_S has had its time, and failed


class Reconciler:
    """Converges the engines to the newest generation; one pass at a time.

    Source: docs/decisions/0008-converging.md.
    """

    def __init__(
        self,
        *,
        hub: HubSide,
        engines: Engines,
        executor: Executor,
        halt: Halt,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._hub = hub
        self._engines = engines
        self._halt = halt
        self._clock = clock
        self._memory = Memory()
        self._applied: Applied | None = None
        self._told: dict[str, Any] | None = None
        self._seen: ObservedState | None = None
        self._carry_out = CarryOut(
            executor,
            started=lambda create, container: self._memory.started(
                create, container, now_s=clock.boot_s()
            ),
            failed=lambda create, why: self._memory.failed(create, why, now_s=clock.boot_s()),
            stop=stop,
        )

    @property
    def known_generation(self) -> int:
        """The number of the generation in hand, 0 before the first."""
        return self._applied.number if self._applied else 0

    def take(self, applied: Applied) -> None:
        """Converge to this generation from the next pass on."""
        if applied.desired is not None:
            self._memory.learn(applied.desired)
            self._applied = applied
        elif self._applied is not None and self._applied.number == applied.number:
            self._applied = replace(applied, desired=self._applied.desired)

    def converge(self) -> bool:
        """Make one pass; return whether the hub took part. Without it only expired containers are stopped."""
        applied = self._applied  # read once: the watch may take a newer one meanwhile
        if applied is None or applied.desired is None:
            return True  # nothing was ever applied: nothing is ours to change
        desired = applied.desired
        observed = self._engines.observe(desired, installation=applied.installation)
        self._seen = observed
        self._stop_expired(observed, applied.installation)
        try:
            registry = self._hub.observed(observed, installation=applied.installation)
            if registry.mode.name is ModeName.PANIC:
                self._stop_all(applied, desired, observed)
            else:
                self._pass(applied, desired, own_word(observed, registry.hosts), registry)
        except Unavailable as why:
            log.debug("the pass ended early: %s", why)
            self._told = None  # a hub that comes back may have lost the report
            return False
        return True

    def engine_snapshot(self) -> EngineSnapshot:
        """Return what the last pass saw at the engines and the checks ought to look at."""
        applied, seen = self._applied, self._seen
        if applied is None or applied.desired is None or seen is None:
            return EngineSnapshot()
        now_s, orphans = self._clock.wall_s(), self._memory.orphans(now_s=self._clock.boot_s())
        containers = [each for host in seen.hosts for each in host.containers]
        late = expired(seen, self._memory.past, installation=applied.installation, now_s=now_s)
        return EngineSnapshot(
            orphans=tuple(
                _stray(each, orphans[each.id]) for each in containers if each.id in orphans
            ),
            overdue=tuple(
                _stray(each, late_s)
                for each, born in ((each, self._memory.past[each.spec]) for each, _ in late)
                if (late_s := now_s - each.created_at_s - born.spec.ttl_s - born.spec.grace_s)
                > OVERDUE_S
            ),
            orphan_grace_s=applied.desired.monitoring.orphan_grace_s,
        )

    def close(self) -> None:
        """Let what runs end; start nothing more."""
        self._carry_out.close()
        self._engines.close()

    def _pass(
        self,
        applied: Applied,
        desired: DesiredState,
        observed: ObservedState,
        registry: Registry,
    ) -> None:
        now_s = self._clock.boot_s()
        self._memory.judge(observed, now_s=now_s, proved=registry.proved)
        planned = self._plan(applied, desired, observed, registry, now_s)
        todo = changes(planned.actions)
        report = Report(
            generation=applied.number,
            changes=todo,
            observed=observed,
            at_s=self._clock.wall_s(),
        )
        steps = self._free(todo, report, observed, registry, now_s)
        self._tell(report)
        if steps:
            self._carry_out.run(
                steps, report, generation=applied.number, tell=lambda: self._tell(report)
            )
        self._tell(report)

    def _stop_all(self, applied: Applied, desired: DesiredState, observed: ObservedState) -> None:
        """Panic: kill what runs, create and remove nothing, and let the hub see that it is gone."""
        rows = self._halt.kill(running(observed, installation=applied.installation))
        report = Report(
            generation=applied.number, changes=(), observed=observed, at_s=self._clock.wall_s()
        )
        document = {**report.document(), "converged": False, "actions": rows}
        if rows or self._told is None:
            self._hub.report(document)
            self._told = {}
        if rows:
            seen = self._engines.observe(desired, installation=applied.installation)
            self._hub.observed(seen, installation=applied.installation)

    def _plan(
        self,
        applied: Applied,
        desired: DesiredState,
        observed: ObservedState,
        registry: Registry,
        now_s: float,
    ) -> Plan:
        condemned = self._memory.scan(
            observed,
            registry,
            installation=applied.installation,
            grace_s=desired.monitoring.orphan_grace_s,
            now_s=now_s,
        )
        return plan(
            desired,
            observed,
            digest=applied.digest,
            installation=applied.installation,
            work=registry.work,
            draining=registry.draining,
            known=registry.known,
            condemned=condemned,
            past={**registry.births, **self._memory.past},
            prune=applied.prune,
            demand=replace(registry.demand, resting=self._memory.resting(now_s=now_s)),
            quarantined=registry.quarantined,
            waiting=registry.waiting,
        )

    def _free(
        self,
        todo: Sequence[Change],
        report: Report,
        observed: ObservedState,
        registry: Registry,
        now_s: float,
    ) -> list[Step]:
        """Return the steps that may go now; the others are set to waiting, with why."""
        free: list[Step] = []
        for at, change in enumerate(todo):
            why = self._memory.held_back(change, observed, now_s=now_s)
            if why is None:
                why = _held_by_hub(change, registry)
            if why is None:
                free.append((at, change))
            else:
                report.set(at, StepState.WAITING, why)
        return free

    def _tell(self, report: Report) -> None:
        """Report to the hub what it wasn't told yet: a pass that changed nothing writes nothing.

        A hub that is away then is told by the next pass; what runs isn't left alone for it.
        """
        essence = report.essence()
        if essence == self._told:
            return
        try:
            self._hub.report(report.document())
            self._told = essence
        except AgentctlError as why:
            level = logging.DEBUG if isinstance(why, Unavailable) else logging.WARNING
            log.log(level, "the pass was not reported: %s", why)
            self._told = None

    def _stop_expired(self, observed: ObservedState, installation: str) -> None:
        """Stop what has outlived its TTL, hub or no hub; the next pass finds it exited."""
        late = expired(
            observed, self._memory.past, installation=installation, now_s=self._clock.wall_s()
        )
        for container, grace_s in late:
            log.warning("%s is past its TTL: stopping it", container.name)
            try:
                self._engines.of(container.host).stop(container.id, grace_s)
            except AgentctlError as why:
                log.warning("cannot stop %s: %s", container.name, why)


def _stray(container: Container, for_s: float) -> Stray:
    return Stray(name=container.name, host=container.host, agent=container.agent, for_s=for_s)


def _held_by_hub(change: Change, registry: Registry) -> str | None:
    """Return why the hub's word keeps a change waiting ("" for a drain under way), None if it may go."""
    if isinstance(change, Drain):
        return "" if change.instance in registry.draining else None
    if isinstance(change, Remove | Stop):
        return None
    if permits(registry.mode, change.host, Verb.CREATE_CONTAINER):
        return registry.refused.get(place_of(change))
    # Removing without leave to create would only make the fleet smaller.
    return f"the hub is {registry.mode.spoken}: no container is created or replaced"
