"""What could ever be allowed, from the rules alone: no labels, types, capabilities or time known.

Errs on the wide side: a deny counts only when nothing could get past it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agentctl.model.fleet import AccessRule, Effect


@dataclass(frozen=True, slots=True)
class Possible:
    """The rules, asked who could be allowed rather than who is."""

    rules: Sequence[AccessRule]

    def ways(self, verb: str, level: str, principal: str, target: str) -> tuple[str, ...]:
        """Return the names of the allow rules that could let `verb` through to `target`.

        `principal` "" is anybody. Empty when no rule allows it, or a deny always comes first.
        """
        about = [each for each in self.rules if _could(each, verb, level, principal, target)]
        if any(each.effect is Effect.DENY and _always(each, principal) for each in about):
            return ()
        return tuple(each.name for each in about if each.effect is Effect.ALLOW)

    def alike(self, principal: str) -> Hashable:
        """Return a key that is equal for principals whom the same rules are about."""
        return tuple(
            at for at, rule in enumerate(self.rules) if fnmatchcase(principal, rule.principal)
        )


def _could(rule: AccessRule, verb: str, level: str, principal: str, target: str) -> bool:
    return (
        rule.verb in ("*", verb)
        and (not principal or fnmatchcase(principal, rule.principal))
        and fnmatchcase(target, rule.target)
        and (not rule.levels or level in rule.levels)
    )


def _always(deny: AccessRule, principal: str) -> bool:
    """Whether a deny that could match matches whatever else is asked."""
    unconditional = not (deny.types or deny.capabilities or deny.labels or deny.window)
    return unconditional and (bool(principal) or deny.principal == "*")
