"""Artifacts over HTTP: agents send them in parts, operators list and read them."""

import re

from agentctl.errors import NotFound
from agentctl.hub.query import Parameter
from agentctl.hub.route import BODY_BYTES_MAX, Answer, Call, Route
from agentctl.model.artifact import ARTIFACT_BYTES_MAX
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal
from agentctl.service import artifacts

# A larger file comes in several: no listener takes a larger body from somebody it doesn't know yet.
PART_BYTES_MAX = BODY_BYTES_MAX
ATTEMPT_MAX = 999_999

_DIGEST = re.compile(r"[0-9a-f]{64}")

PART_QUERY = (
    Parameter(
        name="task", kind="string", about="The task, held now.", pattern=r"task-[0-9a-z]{26}"
    ),
    Parameter(name="attempt", kind="integer", about="Its attempt.", minimum=1, maximum=ATTEMPT_MAX),
    Parameter(
        name="size",
        kind="integer",
        about="Bytes of the whole file.",
        default=0,
        maximum=ARTIFACT_BYTES_MAX,
    ),
    Parameter(
        name="offset",
        kind="integer",
        about="Where this part begins: parts come in order.",
        default=0,
        maximum=ARTIFACT_BYTES_MAX,
    ),
)


def put_part(call: Call[AgentPrincipal]) -> Answer:
    """Take a part of a file from whoever holds the task."""
    sha256 = call.path["sha256"]
    if not _DIGEST.fullmatch(sha256):
        raise NotFound("an artifact is sent under its SHA-256, 64 lower-case hex digits")
    query = call.query
    found = artifacts.put(
        call.hub,
        call.who,
        sha256,
        task=query["task"] or "",
        attempt=query["attempt"] or 0,
        size=query["size"],
        offset=query["offset"],
        part=call.body,
    )
    return Answer(found)


def list_artifacts(call: Call[OperatorPrincipal]) -> Answer:
    """The files that a task left, with their digests."""
    return Answer(artifacts.listed(call.hub, call.path["task"], call.who))


def read_artifact(call: Call[OperatorPrincipal]) -> Answer:
    """One file as it is. Browsers are told to make nothing of it: an agent wrote it."""
    file = artifacts.opened(call.hub, call.path["task"], call.path["artifact"], call.who)
    headers = {
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
    }
    return Answer(file, headers=headers)


OF_AGENTS: tuple[Route[AgentPrincipal], ...] = (
    Route(
        method="PUT",
        path="/api/hub/artifacts/{sha256}",
        summary="Send a file, or the next part of it, before the result that names it.",
        answer=put_part,
        raw=True,
        query=PART_QUERY,
        body_bytes_max=PART_BYTES_MAX,
        problems=(404, 409),
    ),
)
OF_OPERATORS: tuple[Route[OperatorPrincipal], ...] = (
    Route(
        method="GET",
        path="/api/hub/tasks/{task}/artifacts",
        summary="List the files that a task left.",
        answer=list_artifacts,
        problems=(403, 404),
    ),
    Route(
        method="GET",
        path="/api/hub/tasks/{task}/artifacts/{artifact:path}",
        summary="Read one of them.",
        answer=read_artifact,
        problems=(403, 404),
        content_type="application/octet-stream",
    ),
)
