"""Who may do what to whom at which level, from the rules alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from agentctl.model.decision import Question
from agentctl.model.fleet import AccessRule, Effect
from agentctl.policy.engine import DECLARED, DEFAULT_DENY, Policy, mismatch

Principal = tuple[str, str]  # who asks, and their role ("" for none that a rule names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is asked about, at each of `levels`; what isn't known is None, and stays open.

    `type` "" is known to be none. `kinds` are the payloads that an act of a known type may have
    yet. What is `granted` by a declaration rules can only take back.
    """

    verb: str
    principal: Principal
    target: str
    levels: tuple[str, ...]
    type: str | None = None
    kinds: frozenset[str] = frozenset()
    capabilities: tuple[str, ...] | None = None
    labels: tuple[tuple[str, str], ...] | None = None
    granted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What the rules say of an act at one level, whatever isn't known of it.

    `unless` names the rules that say the opposite when that is as they want it.
    """

    act: Act
    level: str
    allowed: bool
    rule: str
    unless: tuple[str, ...] = ()


def matrix(policy: Policy, acts: Iterable[Act]) -> Iterator[Cell]:
    """Yield a cell for each act and level, in their order."""
    rules = [(each, _open(each)) for each in policy.rules]
    for act in acts:
        principal, role = act.principal
        asked = Question(verb=act.verb, principal=principal, target=act.target, role=role)
        about = [(rule, _sure(rule, act)) for rule, wide in rules if not mismatch(wide, asked)]
        about = [(rule, sure) for rule, sure in about if sure is not False]
        for level in act.levels:
            yield _cell(about, act, level)


def _open(rule: AccessRule) -> AccessRule:
    """Return the rule with nothing but who, what and to whom."""
    return replace(rule, types=(), levels=(), capabilities=(), labels=(), window=None)


def _sure(rule: AccessRule, act: Act) -> bool | None:
    """Whether a rule about who, what and to whom matches an act: yes, no, or None where that is open."""
    parts = (
        _of_type(rule, act),
        _holds(frozenset(rule.capabilities), act.capabilities),
        _holds(frozenset(rule.labels), act.labels),
        None if rule.window else True,
    )
    return False if False in parts else None if None in parts else True


def _of_type(rule: AccessRule, act: Act) -> bool | None:
    if not rule.types or act.type in rule.types:
        return True
    return None if act.type is None or act.kinds.intersection(rule.types) else False


def _holds(wanted: frozenset[object], known: tuple[object, ...] | None) -> bool | None:
    if not wanted:
        return True
    return None if known is None else wanted.issubset(known)


def _cell(rules: Iterable[tuple[AccessRule, bool | None]], act: Act, level: str) -> Cell:
    """Walk the rules in deciding order: the first that surely matches decides, others may."""
    allowed, decides, maybe = (True, DECLARED, []) if act.granted else (False, DEFAULT_DENY, [])
    for rule, sure in rules:
        if rule.levels and level not in rule.levels:
            continue
        if act.granted and rule.effect is Effect.ALLOW:
            continue
        if sure:
            allowed, decides = rule.effect is Effect.ALLOW, rule.name
            break
        maybe.append(rule)
    turned = [each.name for each in maybe if (each.effect is Effect.ALLOW) is not allowed]
    return Cell(
        act=act,
        level=level,
        allowed=allowed,
        rule=decides,
        unless=tuple(dict.fromkeys(turned)),
    )
