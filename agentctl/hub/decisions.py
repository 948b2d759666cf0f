"""The operators' route of decisions: what policy and routing answered, and by which rule."""

from agentctl.hub.query import Parameter
from agentctl.hub.route import Answer, Call, Route
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import decisions

PAGE_MAX = 1000
PAGE_DEFAULT = 100

BEFORE = Parameter(
    name="before",
    kind="string",
    about="The page that begins after this decision: an answer's `next`.",
    pattern=r"dec-[0-9a-z]{26}",
)
ALLOWED = Parameter(
    name="allowed",
    kind="string",
    about="Only those that were allowed (true), or weren't (false).",
    pattern="true|false",
)
LIMIT = Parameter(
    name="limit",
    kind="integer",
    about="Most entries in the answer.",
    default=PAGE_DEFAULT,
    minimum=1,
    maximum=PAGE_MAX,
)


def list_decisions(call: Call[OperatorPrincipal]) -> Answer:
    """A page of decisions, newest first."""
    said = call.query["allowed"]
    found = decisions.page(
        call.hub,
        call.who,
        allowed=None if said is None else said == "true",
        limit=call.query["limit"],
        before=call.query["before"],
    )
    return Answer(found)


ROUTES: tuple[Route[OperatorPrincipal], ...] = (
    Route(
        method="GET",
        path="/api/hub/decisions",
        summary="List decisions, newest first.",
        answer=list_decisions,
        query=(ALLOWED, LIMIT, BEFORE),
    ),
)
