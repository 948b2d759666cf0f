"""What each operator role may do at all; access rules decide about agents and work on top of it."""

from agentctl.errors import Refused
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.policy.roles import ADMINS, OPERATORS, ROLES, TAKEN, spoken

__all__ = ["ADMINS", "OPERATORS", "PLANNERS", "READERS", "TAKEN", "require_role", "sees_content"]

PLANNERS = frozenset({Role.VIEWER, Role.CI, Role.OPERATOR, Role.ADMIN})  # what a plan is made of
READERS = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN})


def require_role(who: OperatorPrincipal, allowed: frozenset[Role], act: str) -> None:
    """Raise Refused unless the operator's role is among `allowed`."""
    if who.role not in allowed:
        raise Refused(
            f"{who.name} is {who.role.value} and may not {act}",
            rule=ROLES,
            hint=f"it takes the role {spoken(allowed)}",
        )


def sees_content(who: OperatorPrincipal) -> bool:
    """Whether prompts and results are shown to this operator; a viewer sees facts only."""
    return who.role in OPERATORS
