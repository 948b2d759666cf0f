"""A kept workspace: what it may hold, by the containers that it has served."""

from dataclasses import dataclass

Pair = tuple[str, str]  # label and boundary of a container's birth

# What a workspace counts as that may hold anything: no level can be declared by that name, and
# what isn't declared is higher than all that is.
ANYTHING = "(anything)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The workspace of one replica on one host.

    `served` are the labels of the containers that wrote to it, since it was last declassified;
    `pairs` are label and boundary of each of them, ever: the volume carries one of these.
    """

    host: str
    agent: str
    replica: int
    served: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.host}/{self.agent}/{self.replica}"
