"""One change carried out: the intent recorded at the hub, then the engine asked, then the outcome recorded."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from agentctl import failpoints
from agentctl.engine import Engine
from agentctl.errors import AgentctlError, Conflict, Unavailable
from agentctl.loops.birth import Resolve, birth_of, boot_document
from agentctl.loops.hub_side import HubSide, Reserved
from agentctl.model.instance import InstanceState
from agentctl.model.plan import Create, Drain, Remove, Stop
from agentctl.reconcile.sketch import UNRECORDED

log = logging.getLogger(__name__)


class Waits(AgentctlError):
    """Nothing failed, and nothing can be done now: the next pass looks again."""

    type = "waits"


class Executor:
    """Carries out single changes. Its methods may be called from several threads."""

    def __init__(
        self,
        *,
        hub: HubSide,
        engine_of: Callable[[str], Engine],
        resolve: Resolve,
        keep_evidence: Callable[[Remove | Stop, Engine], None],
    ) -> None:
        self._hub = hub
        self._engine_of = engine_of
        self._resolve = resolve
        self._keep_evidence = keep_evidence

    def ready(self, change: Create) -> tuple[Engine, dict[str, bytes]]:
        """Return the engine and the secrets of a container that could be made now.

        Raises what is missing, an image or a secret: a replacement asks before it removes.
        """
        engine = self._engine_of(change.host)
        engine.need(change.spec)
        return engine, {each.name: self._resolve(each.source) for each in change.spec.secrets}

    def create(self, change: Create, *, generation: int) -> str:
        """Create, bind, start; return the container's id.

        Raises Waits (the hub doesn't permit it now) or the error of a secret or the engine;
        then what was made is taken away again as far as the engine lets us.
        """
        engine, secrets = self.ready(change)  # first: what is missing costs no container
        try:
            reserved = self._hub.reserve(change, generation=generation)
        except (Unavailable, Conflict) as why:
            raise Waits(str(why)) from why
        try:
            failpoints.hit("execute.reserve.after")
            return self._bring_up(change, reserved, engine, secrets)
        except AgentctlError as why:
            with suppress(Unavailable):  # a hub that is away finds out by the next observation
                self._hub.mark(reserved.instance, InstanceState.RECYCLED, f"not started: {why}")
            if isinstance(why, Conflict):  # a generation was applied meanwhile
                raise Waits(str(why)) from why
            raise

    def _bring_up(
        self, change: Create, reserved: Reserved, engine: Engine, secrets: Mapping[str, bytes]
    ) -> str:
        birth = birth_of(change, reserved)
        container = engine.create(birth)
        try:
            failpoints.hit("execute.create.after")
            boot = self._hub.bind(reserved.instance, container)
            failpoints.hit("execute.bind.after")
            engine.start(container, boot_document(boot, birth, engine, secrets))
            failpoints.hit("execute.start.after")
        except AgentctlError:
            self._take_away(container, engine)
            raise
        with suppress(AgentctlError):  # it runs: the word that it was started may be missed
            self._hub.mark(reserved.instance, InstanceState.STARTING, "")
        log.info("started %s", container, extra={"instance": reserved.instance})
        return container

    def _take_away(self, container: str, engine: Engine) -> None:
        try:
            engine.stop(container, 0.0)
            engine.remove(container)
        except AgentctlError as why:
            # The next pass finds it, without a living record, and replaces it.
            log.warning("cannot take away %s: %s", container, why)

    def remove(self, change: Remove) -> None:
        """Stop and remove one container. Raises Waits when it took a task that the plan didn't know of."""
        engine = self._engine_of(change.host)
        cause = "; ".join(str(each) for each in change.causes)
        if UNRECORDED in change.causes:
            self._keep_evidence(change, engine)
        if change.live:
            self._end_work(change, cause)
            engine.stop(change.container, change.grace_s)
        failpoints.hit("execute.remove.before")
        engine.remove(change.container)
        failpoints.hit("execute.remove.after")
        self._hub.mark(change.instance, InstanceState.RECYCLED, cause)

    def _end_work(self, change: Remove, cause: str) -> None:
        task = self._hub.drain(change.instance, cause, only_idle=change.only_idle)
        if task and change.only_idle:
            raise Waits(f"took {task} meanwhile: its change is deferred again")
        if task and not change.interrupts:
            raise Waits(f"took {task} meanwhile: it is drained, and goes when that ends")
        self._hub.mark(change.instance, InstanceState.RECYCLING, cause)

    def stop(self, change: Stop) -> None:
        """Kill one container and leave it there, its last words kept: what it held is over at the hub."""
        engine = self._engine_of(change.host)
        engine.stop(change.container, 0.0)
        self._keep_evidence(change, engine)
        self._hub.mark(
            change.instance, InstanceState.RECYCLED, "; ".join(str(each) for each in change.causes)
        )

    def drain(self, change: Drain) -> None:
        """Give one container no more work."""
        self._hub.drain(change.instance, "; ".join(str(each) for each in change.causes))
