"""Places in the fleet, and which container holds each: at most one may."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agentctl.model.instance import Container, ContainerState


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Slot:
    """One replica of one agent on one host: where at most one container lives."""

    host: str
    agent: str
    replica: int

    def __str__(self) -> str:
        return f"{self.host} {self.agent}/{self.replica}"


def slot_of(container: Container) -> Slot:
    """Return the place that a container's labels name."""
    return Slot(host=container.host, agent=container.agent, replica=container.replica)


def by_slot(containers: Iterable[Container]) -> Mapping[Slot, list[Container]]:
    """Return the containers of each place, the one to keep first.

    Running before not, newer before older; the id settles ties, so that two
    reconcilers would choose alike.
    """
    held: dict[Slot, list[Container]] = {}
    for container in containers:
        held.setdefault(slot_of(container), []).append(container)
    for rivals in held.values():
        rivals.sort(key=_preference)
    return held


def _preference(container: Container) -> tuple[bool, float, str]:
    return (
        container.state is not ContainerState.RUNNING,
        -container.created_at_s,
        container.id,
    )
