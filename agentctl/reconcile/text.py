"""A plan's changes as people read them and as programs do, and its figures."""

from dataclasses import dataclass
from typing import Any, assert_never

from agentctl.model.plan import Cause, Create, Drain, Plan, Remove, Stop
from agentctl.reconcile.changes import Change, Replace, changes, verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many places a plan creates, replaces and removes; a drained one counts as what it leads to.

    `stop` are killed and left where they are: only agents in quarantine have such. `deferred` are
    left as they are until they are idle.
    """

    create: int
    replace: int
    remove: int
    stop: int
    unchanged: int
    deferred: int

    def document(self) -> dict[str, int]:
        """Return the figures as JSON types."""
        return {
            "create": self.create,
            "replace": self.replace,
            "remove": self.remove,
            "stop": self.stop,
            "unchanged": self.unchanged,
            "deferred": self.deferred,
        }

    def __str__(self) -> str:
        stopped = f" {self.stop} to stop," if self.stop else ""
        deferred = f", {self.deferred} deferred" if self.deferred else ""
        return (
            f"Plan: {self.create} to create, {self.replace} to replace,"
            f" {self.remove} to remove,{stopped} {self.unchanged} unchanged{deferred}"
        )


def counts(plan: Plan) -> Counts:
    """Return the plan's closing figures."""
    verbs = [verb(each) for each in changes(plan.actions)]
    return Counts(
        create=verbs.count("create"),
        replace=verbs.count("replace"),
        remove=verbs.count("remove"),
        stop=verbs.count("stop"),
        unchanged=plan.unchanged,
        deferred=plan.deferred,
    )


_SIGNS = {"create": "+", "replace": "±", "remove": "-", "stop": "!"}


def lines_of(change: Change) -> list[str]:
    """Return a change as a person reads it: what it does where, then each cause, then whom it touches."""
    place, causes, remark = facts_of(change)
    does = verb(change)
    lines = [f"  {_SIGNS[does]} {does} {place}", *(f"      {cause}" for cause in causes)]
    return [*lines, f"      {remark}"] if remark else lines


def facts_of(change: Change) -> tuple[str, tuple[Cause, ...], str]:
    """Return a change's place on its host, its causes, and the task it interrupts or waits for in words."""
    match change:
        case Create(agent=agent, replica=replica, causes=causes):
            return f"{agent}/{replica}", causes, ""
        case Replace(remove=remove):
            return facts_of(remove)
        case Remove(agent=agent, replica=replica, causes=causes, interrupts=task):
            return f"{agent}/{replica}", causes, f"interrupts {task}" if task else ""
        case Drain(agent=agent, replica=replica, causes=causes, waits_for=task):
            return f"{agent}/{replica}", causes, f"waits for {task}"
        case Stop(agent=agent, replica=replica, causes=causes):
            return f"{agent}/{replica}", causes, ""
        case _:
            assert_never(change)


def as_document(change: Change) -> dict[str, Any]:
    """Return a change as JSON types."""
    action = change.remove if isinstance(change, Replace) else change
    return {
        "verb": verb(change),
        "host": action.host,
        "agent": action.agent,
        "replica": action.replica,
        "causes": [{"what": each.what, "old": each.old, "new": each.new} for each in action.causes],
        "interrupts": action.interrupts if isinstance(action, Remove) else "",
        "waits_for": action.waits_for if isinstance(action, Drain) else "",
    }
