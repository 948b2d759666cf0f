"""What the reconciler remembers between passes. All of it may be lost: it only makes the next pass wiser."""

import threading
from collections import deque
from collections.abc import Mapping, Set

from agentctl.loops.hub_side import Registry
from agentctl.model.fleet import DesiredState, Lifecycle
from agentctl.model.instance import Container, ContainerState, ObservedState
from agentctl.model.plan import Create
from agentctl.reconcile import Born, births
from agentctl.reconcile.backoff import HEALTHY_S, Backoff
from agentctl.reconcile.changes import Change, Replace
from agentctl.reconcile.orphans import Orphans
from agentctl.reconcile.slots import Slot, slot_of

GENERATIONS_MAX = (
    8  # births remembered, for causes by field and for TTLs; older ones show as hashes
)


ANY_REPLICA = -1  # an ephemeral agent's failures count for all its containers on a host


class Memory:
    """Births of past generations, failures, orphans, fresh starts. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generations: deque[Mapping[str, Born]] = deque(maxlen=GENERATIONS_MAX)
        self._orphans = Orphans()
        self._backoff = Backoff()
        # container id → when we started it, and for which place its failure counts
        self._started: dict[str, tuple[float, Slot]] = {}

    @property
    def past(self) -> Mapping[str, Born]:
        """All births remembered; a newer generation's word wins."""
        merged: dict[str, Born] = {}
        with self._lock:
            for each in self._generations:
                merged.update(each)
        return merged

    def learn(self, desired: DesiredState) -> None:
        """Remember what containers of this generation are born with; forgive all failures.

        Who applies has mended something, perhaps where no spec shows it (an engine, an image).
        """
        learnt = births(desired)
        with self._lock:
            self._generations.append(learnt)
            self._backoff = Backoff()

    def scan(
        self,
        observed: ObservedState,
        registry: Registry,
        *,
        installation: str,
        grace_s: float,
        now_s: float,
    ) -> frozenset[str]:
        """Take one more look at who has no record; return the containers condemned by now."""
        apart = {
            each.instance
            for host in observed.hosts
            for each in host.containers
            if each.agent in registry.quarantined
        }  # their records have ended; what stands of them is evidence, and no orphan
        self._orphans = self._orphans.scanned(
            observed, known=registry.known | apart, installation=installation, now_s=now_s
        )
        return self._orphans.condemned(grace_s=grace_s, now_s=now_s)

    def orphans(self, *, now_s: float) -> Mapping[str, float]:
        """Return the ids of containers without a record, and for how many seconds each has been so."""
        return {each: now_s - since_s for each, since_s in self._orphans.first_seen_s.items()}

    def started(self, create: Create, container: str, *, now_s: float) -> None:
        """Remember a start: an exit soon after counts as a failure of its place."""
        with self._lock:
            self._started[container] = (now_s, _place(create))

    def failed(self, create: Create, why: str, *, now_s: float) -> None:
        """Hold the place back for a while, longer each time."""
        with self._lock:
            self._fail(_place(create), create.spec_hash, why, now_s)

    def _fail(self, slot: Slot, spec: str, why: str, now_s: float) -> None:
        if slot.replica == ANY_REPLICA and self._backoff.waits(slot, spec, now_s=now_s):
            return  # of several that failed at once only the first counts
        self._backoff = self._backoff.failed(slot, spec, why, now_s=now_s)

    def judge(
        self, observed: ObservedState, *, now_s: float, proved: Set[str] = frozenset()
    ) -> None:
        """Count early exits as failures; forget the failures of what has proved healthy.

        `proved` are instances that have had their use: an ephemeral one is healthy then,
        however short it lived.
        """
        containers = [each for host in observed.hosts for each in host.containers]
        with self._lock:
            for container in containers:
                self._judge(container, now_s, container.instance in proved)
            if all(each.reachable for each in observed.hosts):
                there = {each.id for each in containers}
                self._started = {key: at for key, at in self._started.items() if key in there}

    def _judge(self, container: Container, now_s: float, proved: bool) -> None:
        started = self._started.get(container.id)
        if started is None:
            return
        started_s, slot = started
        healthy = proved or now_s - started_s >= HEALTHY_S
        if container.state is ContainerState.EXITED:
            del self._started[container.id]
            if not healthy and container.exit_code != 0:
                why = f"exited with code {container.exit_code} soon after its start"
                self._fail(slot, container.spec, why, now_s)
        elif healthy:
            del self._started[container.id]
            self._backoff = self._backoff.cleared(slot)

    def held_back(self, change: Change, observed: ObservedState, *, now_s: float) -> str | None:
        """Return why a change that creates must wait, None when it may go."""
        create = change.create if isinstance(change, Replace) else change
        if not isinstance(create, Create):
            return None
        slot = _place(create)
        failure = self._backoff.waits(slot, create.spec_hash, now_s=now_s)
        if failure is not None:
            return f"{failure.error} (failed {failure.times} times; tried again by and by)"
        if isinstance(change, Replace) and change.remove.live:
            return self._sibling_down(slot, create.spec_hash, observed)
        return None

    def resting(self, *, now_s: float) -> frozenset[tuple[str, str]]:
        """Return the (host, agent) of ephemeral agents whose containers aren't tried again yet."""
        return frozenset(
            (slot.host, slot.agent)
            for slot, failure in self._backoff.failures.items()
            if slot.replica == ANY_REPLICA and failure.until_s > now_s
        )

    def _sibling_down(self, slot: Slot, spec: str, observed: ObservedState) -> str | None:
        """A spec that doesn't come up in one replica isn't given to the others."""
        running = {
            slot_of(each)
            for host in observed.hosts
            for each in host.containers
            if each.state is ContainerState.RUNNING and each.spec == spec
        }
        for other, failure in self._backoff.failures.items():
            alike = (other.host, other.agent, failure.spec) == (slot.host, slot.agent, spec)
            if alike and other != slot and other not in running:
                return f"{other} doesn't come up with the new spec: {failure.error}"
        return None


def _place(create: Create) -> Slot:
    """Return the place that a failure of this create counts for."""
    ephemeral = create.spec.lifecycle is Lifecycle.EPHEMERAL
    replica = ANY_REPLICA if ephemeral else create.replica
    return Slot(host=create.host, agent=create.agent, replica=replica)
