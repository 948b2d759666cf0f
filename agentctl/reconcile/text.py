"""A plan as people review it and as programs read it."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any, assert_never

from agentctl.model.plan import Cause, Create, Drain, Plan, Remove
from agentctl.reconcile.changes import Change, Replace, changes, verb

FORMAT_VERSION = 1  # of the JSON form; a reader refuses what it doesn't know


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many places a plan creates, replaces and removes; a drained one counts as what it leads to."""

    create: int
    replace: int
    remove: int
    unchanged: int

    def __str__(self) -> str:
        return (
            f"Plan: {self.create} to create, {self.replace} to replace,"
            f" {self.remove} to remove, {self.unchanged} unchanged"
        )


def counts(plan: Plan) -> Counts:
    """Return the plan's closing figures."""
    verbs = [verb(each) for each in changes(plan.actions)]
    return Counts(
        create=verbs.count("create"),
        replace=verbs.count("replace"),
        remove=verbs.count("remove"),
        unchanged=plan.unchanged,
    )


def as_text(plan: Plan) -> str:
    """Return the plan for a review: grouped by host, each change with its causes, the figures last."""
    blocks = [
        "\n".join([host, *(line for each in group for line in _lines(each))])
        for host, group in groupby(changes(plan.actions), key=lambda each: each.host)
    ]
    if plan.notes:
        blocks.append("\n".join(["Notes", *(f"  {note}" for note in plan.notes)]))
    return "\n\n".join([*blocks, str(counts(plan))])


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON types: {"version", "digest", "changes", "actions", "notes"}."""
    figures = counts(plan)
    return {
        "version": FORMAT_VERSION,
        "digest": plan.digest,
        "changes": {
            "create": figures.create,
            "replace": figures.replace,
            "remove": figures.remove,
            "unchanged": figures.unchanged,
        },
        "actions": [_document(each) for each in changes(plan.actions)],
        "notes": list(plan.notes),
    }


_SIGNS = {"create": "+", "replace": "±", "remove": "-"}


def _lines(change: Change) -> list[str]:
    place, causes, remark = _facts(change)
    does = verb(change)
    lines = [f"  {_SIGNS[does]} {does} {place}", *(f"      {cause}" for cause in causes)]
    return [*lines, f"      {remark}"] if remark else lines


def _facts(change: Change) -> tuple[str, tuple[Cause, ...], str]:
    match change:
        case Create(agent=agent, replica=replica, causes=causes):
            return f"{agent}/{replica}", causes, ""
        case Replace(remove=remove):
            return _facts(remove)
        case Remove(agent=agent, replica=replica, causes=causes, interrupts=task):
            return f"{agent}/{replica}", causes, f"interrupts {task}" if task else ""
        case Drain(agent=agent, replica=replica, causes=causes, waits_for=task):
            return f"{agent}/{replica}", causes, f"waits for {task}"
        case _:
            assert_never(change)


def _document(change: Change) -> dict[str, Any]:
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
