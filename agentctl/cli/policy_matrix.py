"""The matrix of a fleet's files: who may do what to which agent with work of which level."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import groupby

from agentctl.cli.deciding import CLEARANCE, Deciding
from agentctl.config.cases import verbs
from agentctl.config.finding import did_you_mean
from agentctl.errors import UsageError
from agentctl.model.fleet import DesiredState
from agentctl.policy import DEFAULT_DENY
from agentctl.policy.matrix import Principal, matrix

ROWS_MAX = 500_000  # some 100 MB of JSON: more is asked for in parts
ANY_OPERATOR = "operator:*"
_SET = re.compile(r"\[(!?)(.[^\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One answer. `unless` names rules that turn it with a type, labels, capabilities or time."""

    principal: str
    verb: str
    target: str
    level: str
    decision: str
    rule: str
    unless: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Globs of what is wanted; `verbs` empty is all."""

    principal: str = "*"
    target: str = "*"
    verbs: tuple[str, ...] = ()


def rows(desired: DesiredState, asked: Asked) -> Iterator[Row]:
    """Return the rows in the order of the files' names. Raises UsageError when they are too many."""
    deciding = Deciding.of(desired)
    who = [each for each in principals(desired) if fnmatchcase(_shown(each), asked.principal)]
    targets = sorted({f"agent:{each.name}" for each in desired.agents})
    targets = [each for each in targets if fnmatchcase(each, asked.target)]
    for each in asked.verbs:
        if each not in verbs():
            hint = did_you_mean(each, verbs()) or f"the verbs are {', '.join(verbs())}"
            raise UsageError(f"there is no verb {each!r}", hint=hint)
    known = [each for each in verbs() if each in asked.verbs or not asked.verbs]
    count = len(who) * len(targets) * len(known) * len(desired.routing.levels)
    if count > ROWS_MAX:
        raise UsageError(
            f"the matrix has {count} rows, the bound is {ROWS_MAX}",
            hint="ask for a part: --from, --to and --verb",
        )
    return _rows(deciding, who, known, targets, desired.routing.levels)


def _rows(
    deciding: Deciding,
    who: Sequence[Principal],
    known: Sequence[str],
    targets: Sequence[str],
    levels: Sequence[str],
) -> Iterator[Row]:
    witnesses = {(_witness(name), role): (name, role) for name, role in who}
    for cell in matrix(
        deciding.policy,
        verbs=known,
        principals=list(witnesses),
        targets=targets,
        levels=levels,
    ):
        row = Row(
            principal=_shown(witnesses[cell.principal]),
            verb=cell.verb,
            target=cell.target,
            level=cell.level,
            decision="allow" if cell.allowed else "deny",
            rule=cell.rule,
            unless=cell.unless,
        )
        could = cell.allowed or cell.unless
        if could and deciding.barred(cell.target, cell.level):
            row = replace(row, decision="deny", rule=CLEARANCE, unless=())
        yield row


def principals(desired: DesiredState) -> tuple[Principal, ...]:
    """Return who can ask: operators as the rules name them, in each role they name, and all agents."""
    rules = [each.principal for each in desired.access]
    operators = {ANY_OPERATOR, *(each for each in rules if each.startswith("operator:"))}
    roles = {"", *(each.removeprefix("role:") for each in rules if each.startswith("role:"))}
    agents = sorted({f"agent:{each.name}" for each in desired.agents})
    return (
        *((name, role) for name in sorted(operators) for role in sorted(roles)),
        *((name, "") for name in agents),
    )


def _shown(who: Principal) -> str:
    name, role = who
    if not role:
        return name
    return f"role:{role}" if name == ANY_OPERATOR else f"{name} as role:{role}"


def _witness(pattern: str) -> str:
    """Return a name that the pattern matches, and of narrower patterns as few as can be.

    A pattern's * and ? match themselves; a [set] is replaced by a character that is in it.
    """
    return _SET.sub(lambda found: _one_of(found[2], outside=bool(found[1])), pattern)


def _one_of(characters: str, *, outside: bool) -> str:
    if not outside:
        return characters[0]
    others = (chr(each) for each in range(ord("0"), ord("z")) if chr(each).isalnum())
    return next((each for each in others if not fnmatchcase(each, f"[{characters}]")), "~")


def grouped(
    found: Iterator[Row], desired: DesiredState, *, all_rows: bool
) -> Iterator[tuple[str, ...]]:
    """Yield lines for people: equal levels, then targets of equal levels, stand together.

    What no rule allows is left out unless `all_rows`.
    """
    every = len({each.name for each in desired.agents})
    lines: dict[tuple[str, ...], list[str]] = {}
    for (principal, verb, target), of in groupby(
        found, key=lambda each: (each.principal, each.verb, each.target)
    ):
        levels: dict[tuple[str, str], list[str]] = {}
        for each in of:
            if all_rows or each.unless or each.rule != DEFAULT_DENY:
                levels.setdefault((each.decision, _why(each)), []).append(each.level)
        for (decision, why), names in levels.items():
            some = "all" if len(names) == len(desired.routing.levels) else ", ".join(names)
            lines.setdefault((principal, verb, decision, some, why), []).append(target)
    for (principal, verb, decision, some, why), targets in lines.items():
        whom = "agent:*" if len(targets) == every > 1 else ", ".join(targets)
        yield principal, verb, whom, some, decision, why


def _why(row: Row) -> str:
    return f"{row.rule} (unless {', '.join(row.unless)})" if row.unless else row.rule
