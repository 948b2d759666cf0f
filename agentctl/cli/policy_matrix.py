"""The matrix of a fleet's files: who may do what to whom with work of which level."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from agentctl.cli.deciding import CLEARANCE, Deciding
from agentctl.cli.policy_acts import Acts, Asked, operators, shown, witness
from agentctl.config.cases import verbs
from agentctl.config.finding import did_you_mean
from agentctl.errors import UsageError
from agentctl.model.fleet import DesiredState
from agentctl.policy import DEFAULT_DENY
from agentctl.policy.matrix import Act, Cell, Principal, matrix
from agentctl.policy.roles import ROLES, unfit

ROWS_MAX = 500_000  # some 100 MB of JSON: more is asked for in parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One answer. `unless` names rules that turn it with what isn't known: a payload's kind, labels,
    capabilities or a time. `type` is a message's, or the level that a declassification goes to.
    """

    principal: str
    verb: str
    type: str
    target: str
    level: str
    decision: str
    rule: str
    unless: tuple[str, ...]


def rows(desired: DesiredState, asked: Asked) -> Iterator[Row]:
    """Return the rows in the order of the files' names. Raises UsageError when they are too many."""
    for each in asked.verbs:
        if each not in verbs():
            hint = did_you_mean(each, verbs()) or f"the verbs are {', '.join(verbs())}"
            raise UsageError(f"there is no verb {each!r}", hint=hint)
    known = [each for each in verbs() if each in asked.verbs or not asked.verbs]
    acts = _bounded(Acts(desired, asked).all(known))
    return _rows(Deciding.of(desired), _names(desired), acts)


def _bounded(acts: Iterable[Act]) -> list[Act]:
    found, count = [], 0
    for act in acts:
        count += len(act.levels)
        if count > ROWS_MAX:
            raise UsageError(
                f"the matrix has more than {ROWS_MAX} rows",
                hint="ask for a part: --from, --to and --verb",
            )
        found.append(act)
    return found


def _names(desired: DesiredState) -> dict[Principal, str]:
    """Return what a row calls the witness of each pattern of operators."""
    return {(witness(name), role): shown((name, role)) for name, role in operators(desired)}


def _rows(deciding: Deciding, names: dict[Principal, str], acts: Iterable[Act]) -> Iterator[Row]:
    for cell in matrix(deciding.policy, acts):
        act = cell.act
        row = Row(
            principal=names.get(act.principal, act.principal[0]),
            verb=act.verb,
            type=act.type or "",
            target=act.target,
            level=cell.level,
            decision="allow" if cell.allowed else "deny",
            rule=cell.rule,
            unless=cell.unless,
        )
        above = _above(deciding, cell) if cell.allowed or cell.unless else ""
        yield replace(row, decision="deny", rule=above, unless=()) if above else row


def _above(deciding: Deciding, cell: Cell) -> str:
    """Return what stands above the rules and denies, "" when nothing does."""
    act = cell.act
    if unfit(act.verb, *act.principal):
        return ROLES
    return CLEARANCE if deciding.barred(act.target, cell.level) else ""


def grouped(
    found: Iterator[Row], desired: DesiredState, *, all_rows: bool
) -> Iterator[tuple[str, ...]]:
    """Yield lines for people: equal levels, then types, then targets of equal answers stand together.

    What no rule allows is left out unless `all_rows`.
    """
    every = len({each.name for each in desired.agents})
    of_types: dict[tuple[str, ...], list[str]] = {}
    for (principal, verb, type_, target), of in groupby(
        found, key=lambda each: (each.principal, each.verb, each.type, each.target)
    ):
        for some, decision, why in _levels(of, len(desired.routing.levels), all_rows=all_rows):
            of_types.setdefault((principal, verb, target, some, decision, why), []).append(type_)
    of_targets: dict[tuple[str, ...], list[str]] = {}
    for (principal, verb, target, some, decision, why), types in of_types.items():
        key = (principal, verb, ", ".join(types), some, decision, why)
        of_targets.setdefault(key, []).append(target)
    for (principal, verb, type_, some, decision, why), targets in of_targets.items():
        agents = [each for each in targets if each.startswith("agent:")]
        whom = "agent:*" if len(agents) == len(targets) == every > 1 else ", ".join(targets)
        yield principal, verb, type_, whom, some, decision, why


def _levels(found: Iterable[Row], every: int, *, all_rows: bool) -> Iterator[tuple[str, str, str]]:
    """Yield which levels have which answer, and why."""
    levels: dict[tuple[str, str], list[str]] = {}
    for each in found:
        if all_rows or each.unless or each.rule != DEFAULT_DENY:
            levels.setdefault((each.decision, _why(each)), []).append(each.level)
    for (decision, why), names in levels.items():
        yield "all" if len(names) == every else ", ".join(names), decision, why


def _why(row: Row) -> str:
    return f"{row.rule} (unless {', '.join(row.unless)})" if row.unless else row.rule
