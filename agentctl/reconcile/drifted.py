"""Which actions mend drift: the files and the applied generation agree about the place, what runs doesn't."""

from collections.abc import Mapping

from agentctl.model.fleet import DesiredState
from agentctl.model.plan import Plan, Stop
from agentctl.reconcile.births import declared_births
from agentctl.reconcile.changes import Change, Replace, changes
from agentctl.reconcile.slots import Slot


def place_of(change: Change) -> Slot:
    """Return the place in the fleet that a change is about."""
    action = change.remove if isinstance(change, Replace) else change
    return Slot(host=action.host, agent=action.agent, replica=action.replica)


def drifted(plan: Plan, applied: DesiredState | None, desired: DesiredState) -> frozenset[Slot]:
    """Return the places whose declaration is as applied, and whose container isn't.

    Only what agentctl manages is looked at: the spec hash and the state of its own containers.
    Empty when nothing is applied: then everything is a change. What a quarantine stops is no drift.
    """
    if applied is None:
        return frozenset()
    before, after = _places(applied), _places(desired)
    places = {place_of(each) for each in changes(plan.actions) if not isinstance(each, Stop)}
    return frozenset(each for each in places if before.get(each) == after.get(each))


def _places(desired: DesiredState) -> Mapping[Slot, str]:
    return {
        Slot(host=born.spec.host, agent=born.spec.name, replica=replica): born.hash
        for born in declared_births(desired)
        for replica in range(born.spec.replicas)
    }
