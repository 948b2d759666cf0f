"""What the hub says of ephemeral agents' work: the tasks that want a container, and how the living stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A queued task of an ephemeral agent that no container was made for, and none is ready to take."""

    task: str
    agent: str
    sensitivity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """`wanted` in the order of hand-out; `free` are the ids of warm instances that wait for any task.

    `spent` maps an instance to why it serves no task any more. `resting` are the (host, agent)
    where creating has failed and is tried again later: others are chosen before them.

    `only_told` is for reviews of the files: the demand is named, and no container comes or
    goes for it. What work makes of a fleet from second to second isn't what a review is about.
    """

    wanted: tuple[Wanted, ...] = ()
    free: frozenset[str] = frozenset()
    spent: Mapping[str, str] = field(default_factory=dict)
    resting: frozenset[tuple[str, str]] = frozenset()
    only_told: bool = False
