"""Who may do what to whom at which level, from the rules alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from agentctl.model.decision import Question
from agentctl.model.fleet import AccessRule, Effect
from agentctl.policy.engine import DEFAULT_DENY, Policy, mismatch

Principal = tuple[str, str]  # who asks, and their role ("" for none that a rule names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What the rules say whatever the type, labels, capabilities and time.

    `unless` names the rules that say the opposite when those are as they want them.
    """

    verb: str
    principal: Principal
    target: str
    level: str
    allowed: bool
    rule: str
    unless: tuple[str, ...] = ()


def matrix(
    policy: Policy,
    *,
    verbs: Iterable[str],
    principals: Sequence[Principal],
    targets: Sequence[str],
    levels: Sequence[str],
) -> Iterator[Cell]:
    """Yield a cell for each principal, verb, target and level, in this order."""
    known = tuple(verbs)
    rules = [(each, _open(each)) for each in policy.rules]
    for principal, role in principals:
        for verb in known:
            for target in targets:
                asked = Question(verb=verb, principal=principal, target=target, role=role)
                about = [rule for rule, wide in rules if not mismatch(wide, asked)]
                for level in levels:
                    yield _cell(about, replace(asked, level=level))


def _open(rule: AccessRule) -> AccessRule:
    """Return the rule with nothing but who, what and to whom."""
    return replace(rule, types=(), levels=(), capabilities=(), labels=(), window=None)


def _cell(rules: Iterable[AccessRule], asked: Question) -> Cell:
    """Walk the rules in deciding order: the first without a condition decides, others may."""
    allowed, decides, maybe = False, DEFAULT_DENY, []
    for rule in rules:
        if rule.levels and asked.level not in rule.levels:
            continue
        if not (rule.types or rule.capabilities or rule.labels or rule.window):
            allowed, decides = rule.effect is Effect.ALLOW, rule.name
            break
        maybe.append(rule)
    turned = [each.name for each in maybe if (each.effect is Effect.ALLOW) is not allowed]
    return Cell(
        verb=asked.verb,
        principal=(asked.principal, asked.role),
        target=asked.target,
        level=asked.level,
        allowed=allowed,
        rule=decides,
        unless=tuple(dict.fromkeys(turned)),
    )
