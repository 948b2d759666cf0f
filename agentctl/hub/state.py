"""The operators' routes of journal and state: lines, signed checkpoints, backups."""

from agentctl.hub.query import Parameter
from agentctl.hub.route import Answer, Call, Route
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import backups, checkpoints, views

SEQ_MAX = 2**53 - 1
PAGE_MAX = 1000
PAGE_DEFAULT = 100

Operator = OperatorPrincipal

PAGE_QUERY = (
    Parameter(
        name="after",
        kind="integer",
        about="Lines after this sequence number.",
        default=0,
        maximum=SEQ_MAX,
    ),
    Parameter(
        name="limit",
        kind="integer",
        about="Most entries in the answer.",
        default=PAGE_DEFAULT,
        minimum=1,
        maximum=PAGE_MAX,
    ),
)


def read_journal(call: Call[Operator]) -> Answer:
    """Journal lines, oldest first, with where the journal begins and ends."""
    return Answer(views.journal(call.hub, call.who, **call.query))


def list_checkpoints(call: Call[Operator]) -> Answer:
    """Signed checkpoints of the journal, oldest first, with the keys that verify them."""
    return Answer(checkpoints.page(call.hub, call.who, **call.query))


def make_checkpoint(call: Call[Operator]) -> Answer:
    """Sign the journal's newest line, for keeping elsewhere."""
    return Answer(checkpoints.ask(call.hub, call.who))


def make_backup(call: Call[Operator]) -> Answer:
    """Write a backup of the state on the hub's machine."""
    made = backups.make(call.hub, call.who, call.peer, call.body["directory"])
    return Answer(made, 201)


ROUTES: tuple[Route[Operator], ...] = (
    Route(
        method="GET",
        path="/api/hub/journal",
        summary="Read the journal.",
        answer=read_journal,
        query=PAGE_QUERY,
    ),
    Route(
        method="GET",
        path="/api/hub/journal/checkpoints",
        summary="List the journal's signed checkpoints.",
        answer=list_checkpoints,
        query=PAGE_QUERY,
    ),
    Route(
        method="POST",
        path="/api/hub/journal/checkpoints",
        summary="Sign the journal's newest line.",
        answer=make_checkpoint,
        body="api/empty",
        problems=(404,),
    ),
    Route(
        method="POST",
        path="/api/hub/backups",
        summary="Back the state up to a new directory on the hub's machine.",
        answer=make_backup,
        body="api/backup",
        statuses=(201,),
        problems=(409,),
    ),
)
