"""Which of an operator's roles a verb takes, whatever the rules say: read by the hub, which asks for
the role first, and by the tools that say what the hub would answer.
"""

from collections.abc import Iterable, Mapping

from agentctl.model.principal import Role

ROLES = "roles"  # stands where a rule's name does
OPERATORS = frozenset({Role.OPERATOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
TAKEN: Mapping[str, frozenset[Role]] = {"task.submit": OPERATORS, "declassify": ADMINS}


def spoken(roles: Iterable[Role]) -> str:
    """Return roles as words: admin or operator."""
    return " or ".join(sorted(role.value for role in roles))


def unfit(verb: str, principal: str, role: str) -> str:
    """Return why nobody of that role does `verb`, "" when one may; an operator's "" may be any role."""
    taken = TAKEN.get(verb)
    if taken is None or role in taken:
        return ""
    if not role and not principal.startswith("agent:"):
        return ""
    return f"{verb} takes the role {spoken(taken)}"


def proviso(verb: str, role: str) -> str:
    """Return what has to be true of an operator whose role isn't known: with the role admin."""
    return f"with the role {spoken(TAKEN[verb])}" if verb in TAKEN and not role else ""
