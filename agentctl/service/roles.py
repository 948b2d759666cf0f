"""What each operator role may do at all; access rules decide about agents and work on top of it."""

from agentctl.errors import Refused
from agentctl.model.principal import OperatorPrincipal, Role

PLANNERS = frozenset({Role.VIEWER, Role.CI, Role.OPERATOR, Role.ADMIN})  # what a plan is made of
READERS = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN})
OPERATORS = frozenset({Role.OPERATOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})


def require_role(who: OperatorPrincipal, allowed: frozenset[Role], act: str) -> None:
    """Raise Refused unless the operator's role is among `allowed`."""
    if who.role not in allowed:
        needed = " or ".join(sorted(role.value for role in allowed))
        raise Refused(
            f"{who.name} is {who.role.value} and may not {act}",
            rule="roles",
            hint=f"it takes the role {needed}",
        )


def sees_content(who: OperatorPrincipal) -> bool:
    """Whether prompts and results are shown to this operator; a viewer sees facts only."""
    return who.role in OPERATORS
