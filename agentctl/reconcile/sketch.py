"""A plan while it grows, what its parts look at, and the actions they write into it."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from agentctl.model.instance import Container, ContainerState
from agentctl.model.plan import Action, Cause, Create, Drain, Remove
from agentctl.reconcile.births import Born
from agentctl.reconcile.demand import Demand
from agentctl.reconcile.slots import Slot

GRACE_DEFAULT_S = 30.0  # of a container whose declaration nobody remembers

ABSENT = Cause(what="declared, but not there")
NEVER_STARTED = Cause(what="created, but never started")
UNRECORDED = Cause(what="the hub has no live record of it")
DRAINED = Cause(what="it was told to take no more work")
SECOND = Cause(what="a second container in one place")
QUARANTINED = Cause(what="quarantined")
UNDECLARED = Cause(what="no longer declared")


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the hub adds to what the engines show. `demand` is None when it couldn't be asked.

    `waiting` maps an instance to a queued task that it may still be given. `levels` are the
    fleet's, low to high.
    """

    installation: str
    work: Mapping[str, str]
    draining: Set[str]
    known: Set[str] | None
    condemned: Set[str]
    past: Mapping[str, Born]
    prune: bool
    demand: Demand | None = None
    quarantined: Set[str] = frozenset()
    waiting: Mapping[str, str] = field(default_factory=dict)
    levels: tuple[str, ...] = ()

    def task_of(self, container: Container) -> str:
        """Return the task that a running container works on, "" when it may be stopped freely."""
        if container.state is not ContainerState.RUNNING or container.id in self.condemned:
            return ""
        return self.work.get(container.instance, "")

    def busy_with(self, container: Container) -> str:
        """Return what a container has to do yet, in words; "" when it is idle of its own accord."""
        task = self.task_of(container)
        if task:
            return f"{task} ends"
        queued = self.waiting.get(container.instance, "")
        running = container.state is ContainerState.RUNNING
        return f"{queued} is done, which is queued for it" if queued and running else ""

    def unrecorded(self, container: Container) -> bool:
        """Whether the hub was asked and has no living record of it."""
        return self.known is not None and container.instance not in self.known


@dataclass(slots=True)
class Sketch:
    """The plan while it grows."""

    actions: list[Action] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unchanged: int = 0
    deferred: int = 0


def broken(container: Container, known: Circumstances) -> tuple[Cause, ...]:
    """Return why a container can't serve, whatever is declared; empty when it can."""
    if container.state is ContainerState.CREATED:
        return (NEVER_STARTED,)
    if container.state is ContainerState.EXITED:
        code = "" if container.exit_code is None else f" with code {container.exit_code}"
        return (Cause(what=f"exited{code}"),)
    return (UNRECORDED,) if container.id in known.condemned else ()


def create(
    slot: Slot, born: Born, causes: tuple[Cause, ...], *, replaces: str = "", task: str = ""
) -> Create:
    """Return the action that makes a container in `slot`."""
    return Create(
        host=slot.host,
        agent=slot.agent,
        replica=slot.replica,
        spec=born.spec,
        spec_hash=born.hash,
        boundary=born.provider.boundary,
        causes=causes,
        replaces=replaces,
        task=task,
    )


def remove(
    container: Container,
    causes: tuple[Cause, ...],
    born: Born | None,
    known: Circumstances,
    *,
    only_idle: bool = False,
) -> Remove:
    """Return the action that ends a container, with the grace that it was born with."""
    remembered = known.past.get(container.spec) or born
    return Remove(
        host=container.host,
        agent=container.agent,
        replica=container.replica,
        instance=container.instance,
        container=container.id,
        grace_s=remembered.spec.grace_s if remembered else GRACE_DEFAULT_S,
        causes=causes,
        interrupts=known.task_of(container),
        live=container.state is ContainerState.RUNNING,
        only_idle=only_idle,
    )


def drain(
    container: Container, task: str, causes: tuple[Cause, ...], *, removes: bool = False
) -> Drain:
    """Return the action that gives a container no more work until `task` ends."""
    return Drain(
        host=container.host,
        agent=container.agent,
        replica=container.replica,
        instance=container.instance,
        container=container.id,
        waits_for=task,
        causes=causes,
        removes=removes,
    )
