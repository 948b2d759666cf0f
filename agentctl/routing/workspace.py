"""May a container have a workspace that others wrote to: not below what it holds, nor across its bounds."""

from collections.abc import Sequence

from agentctl.model.workspace import ANYTHING
from agentctl.routing.levels import Levels

HINT = "an admin declassifies it, with a reason: agentctl declassify AGENT/REPLICA --to LEVEL"


def against(levels: Levels, served: Sequence[str], label: str, boundary: str) -> str:
    """Return why a container of this label and boundary may not have a workspace that served others.

    `served` are the labels of those that wrote to it; "" when it may. A level that isn't declared
    any more counts as the highest.
    """
    if ANYTHING in served:
        return "its workspace may hold anything: the state was restored, and nobody knows what it served"
    holds = levels.join(served) if served else label
    if not levels.at_most(holds, label):
        return f"its workspace holds {holds} work, and the container would be {label}"
    if not levels.may_cross(holds, boundary):
        return f"its workspace holds {holds} work, which may not cross boundary {boundary}"
    return ""
