"""A plan with what a reviewer wants to know beside it: declarations, drift, and what reaches wider."""

from typing import TYPE_CHECKING

from agentctl.model.fleet import DesiredState
from agentctl.model.plan import Plan
from agentctl.reconcile import Review, declarations
from agentctl.reconcile.drifted import drifted
from agentctl.routing.reach import newly
from agentctl.service.reach import reach_of

if TYPE_CHECKING:
    from agentctl.cli.proposal import Current

REACH_SHOWN_MAX = 50


def review(
    plan: Plan, desired: DesiredState, current: "Current | None", *, digest: str, selection: str
) -> Review:
    """Return what is shown of a plan. Without the hub nothing is known of what was declared before."""
    if current is None:
        return Review(plan=plan, partial=selection)
    if current.desired is None:
        closing = ("Nothing is applied yet: this is the first generation.",)
        return Review(plan=plan, partial=selection, closing=closing)
    changed = current.digest != digest
    return Review(
        plan=plan,
        partial=selection,
        declarations=declarations(current.desired, desired) if changed else (),
        drifted=drifted(plan, current.desired, desired),
        reach=wider(current.desired, desired) if changed else (),
        closing=() if changed or not plan.empty else ("No changes.",),
    )


def wider(before: DesiredState | None, after: DesiredState) -> tuple[str, ...]:
    """Return in words where work can end up that it couldn't before; nothing for a first fleet."""
    if before is None:
        return ()
    found = newly(reach_of(before), reach_of(after))
    said = [f"{each.level} work can get to {each.kind} {each.name}: {each.why}" for each in found]
    more = len(said) - REACH_SHOWN_MAX
    return (*said[:REACH_SHOWN_MAX], *((f"and {more} more",) if more > 0 else ()))
