"""Who could ever be allowed to do something, from the rules alone: no principal, labels or capabilities known.

Errs on the wide side: a deny counts only when nothing could get past it.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from agentctl.model.fleet import AccessRule, Effect


def possible(
    rules: Sequence[AccessRule], verb: str, *, level: str, target: str, principal: str = ""
) -> tuple[str, ...]:
    """Return the names of the allow rules that could let `verb` through to `target` for `level`.

    `principal` "" is anybody. Empty when no rule allows it, or a deny always comes first.
    """
    about = [each for each in rules if _could(each, verb, level, target, principal)]
    if any(each.effect is Effect.DENY and _always(each, principal) for each in about):
        return ()
    return tuple(each.name for each in about if each.effect is Effect.ALLOW)


def _could(rule: AccessRule, verb: str, level: str, target: str, principal: str) -> bool:
    return (
        rule.verb in ("*", verb)
        and (not principal or fnmatchcase(principal, rule.principal))
        and fnmatchcase(target, rule.target)
        and (not rule.levels or level in rule.levels)
    )


def _always(deny: AccessRule, principal: str) -> bool:
    """Whether a deny that could match matches whatever else is asked."""
    unconditional = not (deny.types or deny.capabilities or deny.labels)
    return unconditional and (bool(principal) or deny.principal == "*")
