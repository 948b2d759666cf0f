"""Make a desired state the applied generation: checked again, compare-and-set, one transaction."""

from typing import Any

import msgspec

from agentctl.config import references
from agentctl.errors import Conflict, InputError
from agentctl.model.digest import desired_digest
from agentctl.model.fleet import DesiredState, Generation
from agentctl.model.mode import Verb
from agentctl.model.principal import OperatorPrincipal
from agentctl.service.context import Fleet, Hub
from agentctl.service.kinds import wrong_kinds
from agentctl.service.record import note
from agentctl.service.reroute import reroute
from agentctl.service.roles import OPERATORS, require_role
from agentctl.store import Txn, worst_case
from agentctl.store import generations as generation_table

FINDINGS_SHOWN_MAX = 50


def apply(
    hub: Hub,
    who: OperatorPrincipal,
    *,
    desired: dict[str, Any],
    expected: int,
    commit: str,
    prune: bool,
) -> dict[str, Any]:
    """Store the next generation and act on it from then on; return its number and digest.

    `expected` is the generation the caller planned against (0 before the first). The same
    content again returns the newest generation unchanged. Raises InputError (not a desired
    state, or one whose references or labels don't hold), Conflict (another was applied since).
    """
    require_role(who, OPERATORS, "apply")
    hub.require(Verb.APPLY)
    parsed = _parse(desired)
    _check(parsed)
    principal = f"operator:{who.name}"
    generation, created = hub.store.write(
        lambda txn: _add(hub, txn, parsed, expected, commit, prune, principal)
    )
    if created:
        _enforce(hub, generation)
        reroute(hub)
    hub.live.waiters.wake("reconciler")
    return {
        "number": generation.number,
        "digest": generation.digest,
        "created": created,
        "commit": generation.commit,
    }


def _enforce(hub: Hub, generation: Generation) -> None:
    """Act on a generation from now on, unless a newer one is in force: applies' threads wake in any order."""
    fleet = Fleet.of(generation)
    with hub.live.lock:
        if hub.fleet is None or hub.fleet.generation.number < generation.number:
            hub.fleet = fleet


def _parse(document: dict[str, Any]) -> DesiredState:
    try:
        return msgspec.convert(document, DesiredState)
    except msgspec.ValidationError as why:
        raise InputError(
            f"this is not a desired state: {why}",
            hint="apply with an agentctl of the hub's version",
        ) from why


def _check(desired: DesiredState) -> None:
    """Ask again what validation asked: the hub trusts no client to have validated."""
    wrong = wrong_kinds(desired.message_kinds)
    if wrong:
        raise InputError(f"a message kind can't be used: {wrong[0][1]}", fields=wrong)
    errors = [each for each in references.check(desired) if each.severity == "error"]
    if errors:
        raise InputError(
            f"the desired state has {len(errors)} error(s); the first: {errors[0].message}",
            hint="`agentctl validate` shows them in the files",
            fields=[
                (f"/desired/{each.path}", each.message) for each in errors[:FINDINGS_SHOWN_MAX]
            ],
        )


def _add(
    hub: Hub,
    txn: Txn,
    desired: DesiredState,
    expected: int,
    commit: str,
    prune: bool,
    principal: str,
) -> tuple[Generation, bool]:
    newest = generation_table.latest(txn)
    number = newest.number if newest else 0
    digest = desired_digest(desired)
    if newest is not None and newest.digest == digest and newest.prune == prune:
        return newest, False
    if newest is not None and newest.desired.fleet != desired.fleet:
        raise Conflict(
            f"this installation runs fleet {newest.desired.fleet!r}, the files say {desired.fleet!r}",
            hint="give another fleet another --state",
        )
    if number != expected:
        raise Conflict(
            f"generation {number} was applied since generation {expected} was planned against",
            hint="plan again",
        )
    generation = Generation(
        number=number + 1,
        digest=digest,
        desired=desired,
        commit=commit,
        applied_by=principal,
        applied_at_s=hub.clock.wall_s(),
        prune=prune,
    )
    worst_case.take_new(txn, desired.agents, who=principal, at_s=generation.applied_at_s)
    generation_table.add(txn, generation)
    note(
        hub,
        txn,
        "generation.applied",
        who=principal,
        subject=str(generation.number),
        digest=digest,
        commit=commit,
        prune=prune,
    )
    return generation, True
