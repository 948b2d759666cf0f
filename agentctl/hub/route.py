"""What a route is: method, path, who may ask, what comes in, and the one function that answers.

The tables of routes are what the apps are built from and what /openapi.json is built from, so
the document can't say what the hub doesn't do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar

from agentctl.errors import InputError
from agentctl.hub.query import Parameter
from agentctl.model.principal import Peer

if TYPE_CHECKING:
    from agentctl.service.context import Hub

BODY_BYTES_MAX = 256 * 1024
WAIT_S_MAX = 30.0  # a long poll's; below what proxies and clients take for a dead connection

Who = TypeVar("Who")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Who]):
    """A request, checked: who asks, path and query parameters, and a body that met its schema.

    `gone` says whether the client has left or the server is closing: whoever waits asks it.
    """

    hub: "Hub"
    who: Who
    peer: Peer
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    header: Callable[[str], str | None]
    gone: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body (or text, or an open file, as it is) with status and headers."""

    body: dict[str, Any] | str | BinaryIO
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[Who]):
    """One method at one path. `body` names its schema under schemas/ ("api/task"), "" for none.

    `malformed` is told of a body that breaks it, before the refusal is answered.
    `raw` takes the body as it is, as bytes: application/octet-stream.
    `admit` is asked before a body is read: whom it raises for costs nothing more.
    `open` routes are answered without a credential. `statuses` are those of an answer, `problems`
    those of a refusal, beyond what every route of its listener may refuse with.
    """

    method: str
    path: str
    summary: str
    answer: Callable[[Call[Who]], Answer]
    body: str = ""
    malformed: Callable[[Call[Who], InputError], None] | None = None
    admit: Callable[[Call[Who]], None] | None = None
    raw: bool = False
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    open: bool = False
    statuses: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()
    body_bytes_max: int = BODY_BYTES_MAX
    content_type: str = "application/json"
