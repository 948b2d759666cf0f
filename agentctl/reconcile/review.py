"""A plan with all that a reviewer wants beside it: drift apart, declarations, what widens, what is partial."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from agentctl.model.plan import Cause, Plan
from agentctl.reconcile.changes import Change, changes
from agentctl.reconcile.declarations import Declaration
from agentctl.reconcile.drifted import place_of
from agentctl.reconcile.slots import Slot
from agentctl.reconcile.text import as_document, counts, lines_of

FORMAT_VERSION = 1  # of both JSON forms; a reader refuses what it doesn't know

SIGNS = {"add": "+", "change": "~", "remove": "-"}
KINDS_IN_CONTAINERS = frozenset(
    {"agent"}
)  # their changes stand in the plan, container by container


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What is shown of one plan.

    `plan` is None where no engine was asked (`--against`). `drifted` are the places whose action
    mends drift. `reach` says in words where work can get to that it couldn't before.
    `partial` says what was selected, "" for all. `closing` are sentences behind the figures.
    """

    plan: Plan | None
    declarations: tuple[Declaration, ...] = ()
    drifted: frozenset[Slot] = frozenset()
    reach: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    partial: str = ""
    closing: tuple[str, ...] = ()

    @property
    def widens(self) -> tuple[str, ...]:
        """What widens: each declaration's own words, then where work can newly end up."""
        own = (f"{each.what}: {why}" for each in self.declarations for why in each.widens)
        return (*own, *(f"reach: {each}" for each in self.reach))

    @property
    def meant(self) -> tuple[Change, ...]:
        """The actions that follow from what is declared otherwise."""
        return tuple(each for each in self._changes() if place_of(each) not in self.drifted)

    @property
    def drift(self) -> tuple[Change, ...]:
        """The actions that bring back what is applied already."""
        return tuple(each for each in self._changes() if place_of(each) in self.drifted)

    def _changes(self) -> tuple[Change, ...]:
        return changes(self.plan.actions) if self.plan else ()

    @property
    def all_notes(self) -> tuple[str, ...]:
        return (*(self.plan.notes if self.plan else ()), *self.notes)

    @property
    def figures(self) -> str:
        """The closing line."""
        if self.plan is not None:
            return str(counts(self.plan))
        verbs = [each.verb for each in self.declarations]
        added, changed, removed = (verbs.count(each) for each in ("add", "change", "remove"))
        return f"Declarations: {added} added, {changed} changed, {removed} removed"

    def shown_declarations(self) -> tuple[Declaration, ...]:
        """Return what isn't told by a container's action anyway."""
        if self.plan is None:
            return self.declarations
        told = {place_of(each).agent for each in self.meant}
        return tuple(
            each
            for each in self.declarations
            if each.kind not in KINDS_IN_CONTAINERS or each.name.partition(" on ")[0] not in told
        )


def review_text(review: Review) -> str:
    """Return a review for a terminal; the figures close it."""
    blocks = [f"Partial plan: {review.partial}"] if review.partial else []
    blocks += _by_host(review.meant)
    drift = (line for block in _by_host(review.drift) for line in block.splitlines())
    blocks += _block("Drift: what runs is not what is applied", (f"  {line}" for line in drift))
    blocks += _block("Declarations", _declared(review.shown_declarations()))
    blocks += _block("Permissions that widen", (f"  ! {each}" for each in review.widens))
    blocks += _block("Notes", (f"  {each}" for each in review.all_notes))
    return "\n\n".join([*blocks, "\n".join([review.figures, *review.closing])])


def as_text(plan: Plan) -> str:
    """Return a bare plan for a terminal."""
    return review_text(Review(plan=plan))


def as_json(plan: Plan) -> dict[str, Any]:
    """Return a bare plan as one JSON document."""
    return review_document(Review(plan=plan))


def _by_host(found: Iterable[Change]) -> list[str]:
    hosts: dict[str, list[str]] = {}
    for each in found:
        hosts.setdefault(each.host, []).extend(lines_of(each))
    return ["\n".join([host, *lines]) for host, lines in hosts.items()]


def _block(title: str, lines: Iterable[str]) -> list[str]:
    body = list(lines)
    return ["\n".join([title, *body])] if body else []


def _declared(found: Iterable[Declaration]) -> Iterator[str]:
    for each in found:
        yield f"  {SIGNS[each.verb]} {each.what}"
        yield from (f"      {cause}" for cause in each.causes)


def review_document(review: Review) -> dict[str, Any]:
    """Return a review as one JSON document."""
    figures = counts(review.plan) if review.plan else None
    return {
        "version": FORMAT_VERSION,
        "digest": review.plan.digest if review.plan else None,
        "partial": review.partial or None,
        "changes": figures.document() if figures else None,
        "actions": [_action(each, review) for each in review._changes()],
        "declarations": [_declaration(each) for each in review.declarations],
        "widens": list(review.widens),
        "notes": list(review.all_notes),
    }


def review_events(review: Review) -> Iterator[dict[str, Any]]:
    """Yield a review as events, one JSON object a line; the first says the version, the last the figures."""
    whole = review_document(review)
    yield {"type": "version", "version": FORMAT_VERSION, "digest": whole["digest"]}
    if review.partial:
        yield {"type": "partial", "selection": review.partial}
    for each in whole["actions"]:
        yield {"type": "action", **each}
    for each in whole["declarations"]:
        yield {"type": "declaration", **each}
    for each in review.widens:
        yield {"type": "widens", "message": each}
    for each in review.all_notes:
        yield {"type": "note", "message": each}
    yield {"type": "summary", "message": review.figures, "changes": whole["changes"]}


def _action(change: Change, review: Review) -> dict[str, Any]:
    return {**as_document(change), "drift": place_of(change) in review.drifted}


def _declaration(each: Declaration) -> dict[str, Any]:
    return {
        "verb": each.verb,
        "kind": each.kind,
        "name": each.name,
        "causes": [_cause(cause) for cause in each.causes],
        "widens": list(each.widens),
    }


def _cause(cause: Cause) -> dict[str, str]:
    return {"what": cause.what, "old": cause.old, "new": cause.new}
