"""A plan's actions as changes to places: a remove and the create after it are one replacement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from agentctl.model.plan import Action, Create, Drain, Remove, Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """A remove and the create that follows it in the same place, as one change."""

    remove: Remove
    create: Create

    @property
    def host(self) -> str:
        return self.create.host


Change = Create | Remove | Drain | Stop | Replace


def changes(actions: Sequence[Action]) -> tuple[Change, ...]:
    """Return the actions with each remove-and-create of one place joined to a replace."""
    creates = {each.replaces: each for each in actions if isinstance(each, Create)}
    found: list[Change] = []
    for action in actions:
        match action:
            case Create(replaces=""):
                found.append(action)
            case Create():
                pass  # shown with the remove before it
            case Remove(container=container) if container in creates:
                found.append(Replace(remove=action, create=creates[container]))
            case Remove() | Drain() | Stop():
                found.append(action)
            case _:
                assert_never(action)
    return tuple(found)


def verb(change: Change) -> str:
    """Return what a change does in the end: "create", "replace", "remove" or "stop"."""
    match change:
        case Create():
            return "create"
        case Replace():
            return "replace"
        case Remove():
            return "remove"
        case Drain(removes=removes):
            return "remove" if removes else "replace"
        case Stop():
            return "stop"
        case _:
            assert_never(change)
