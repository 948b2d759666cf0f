"""A Falcon resource from routes: authenticate, strict JSON, schema, one function, JSON."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import falcon
import msgspec

from agentctl.errors import InputError, MalformedBody, NotFound, TooLarge
from agentctl.hub import query
from agentctl.hub.bodies import Schema, schema
from agentctl.hub.credentials import peer
from agentctl.hub.route import Answer, Call, Route
from agentctl.model.artifact import is_name
from agentctl.service import damage
from agentctl.web import strict_json

if TYPE_CHECKING:
    from agentctl.service.context import Hub

ARTIFACT = "artifact"  # the one part of a path that is no id: a name, with slashes

Authenticate = Callable[["Hub", falcon.Request], Any]
Responder = Callable[..., None]

_PATH_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # every id; and a key of the store
_JSON = re.compile(r"application/(?:[a-z.-]+\+)?json(?:\s*;.*)?", re.IGNORECASE)
_BYTES = re.compile(r"application/octet-stream", re.IGNORECASE)
_STATUS = {code: falcon.code_to_http_status(code) for code in (200, 201, 503)}


class Endpoint:
    """All routes of one path, as Falcon looks for them: `on_get`, `on_post`, `on_put`, `on_delete`."""

    def __init__(
        self, hub: "Hub", routes: Sequence[Route[Any]], authenticate: Authenticate
    ) -> None:
        for route in routes:
            setattr(self, f"on_{route.method.lower()}", _responder(hub, route, authenticate))


def _responder(hub: "Hub", route: Route[Any], authenticate: Authenticate) -> Responder:
    body_schema = schema(route.body) if route.body else None

    def respond(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        with damage.told(hub):
            answer = _answer(req, path)
        _write(resp, answer, route.content_type)

    def _answer(req: falcon.Request, path: dict[str, str]) -> Answer:
        who = None if route.open else authenticate(hub, req)
        check_path(path)
        call: Call[Any] = Call(
            hub=hub,
            who=who,
            peer=peer(req.env),
            path=path,
            query=query.read(req.params, route.query),
            body=None,
            header=req.get_header,
            gone=_gone(req.env),
        )
        if route.admit is not None:
            route.admit(call)
        if body_schema is not None:
            call = replace(call, body=strict_json.loads(_json(req, route.body_bytes_max)))
            _check_body(body_schema, route, call)
        elif route.raw:
            call = replace(call, body=_raw(req, route.body_bytes_max, _BYTES))
        return route.answer(call)

    return respond


def _check_body(body_schema: Schema, route: Route[Any], call: Call[Any]) -> None:
    try:
        body_schema.check(call.body)
    except InputError as why:
        if route.malformed is not None:
            route.malformed(call, why)
        raise


def check_path(path: dict[str, str]) -> None:
    """Raise NotFound for a part of a path that is no id: nothing has one like that."""
    for name, value in path.items():
        known = is_name(value) if name == ARTIFACT else _PATH_VALUE.fullmatch(value)
        if not known:
            raise NotFound(f"no {name} has such an id")


def _json(req: falcon.Request, bytes_max: int) -> bytes:
    raw = _raw(req, bytes_max, _JSON)
    if not raw:
        raise MalformedBody("the body is empty", hint="send {} where there is nothing to say")
    return raw


def _raw(req: falcon.Request, bytes_max: int, wanted: re.Pattern[str]) -> bytes:
    """Return the body; raises 415 for another content type, TooLarge over the route's bound."""
    size = req.content_length or 0
    if size > bytes_max:
        raise TooLarge(f"the body has {size} bytes, the bound here is {bytes_max}")
    if req.content_type is not None and not wanted.fullmatch(req.content_type):
        kind = "application/json" if wanted is _JSON else "application/octet-stream"
        raise falcon.HTTPUnsupportedMediaType(description=f"send the body as {kind}")
    raw: bytes = req.bounded_stream.read()
    return raw


def _gone(environ: dict[str, Any]) -> Callable[[], bool]:
    disconnected = environ.get("waitress.client_disconnected", _never)
    closing = environ.get("agentctl.closing", _never)
    return lambda: disconnected() or closing()


def _never() -> bool:
    return False


def _write(resp: falcon.Response, answer: Answer, content_type: str) -> None:
    resp.status = _STATUS[answer.status]
    resp.content_type = content_type
    body = answer.body
    if isinstance(body, dict):
        resp.data = msgspec.json.encode(body)
    elif isinstance(body, str):
        resp.data = body.encode()
    else:
        resp.set_header("X-Content-Type-Options", "nosniff")  # an agent wrote it
        resp.set_stream(body, os.fstat(body.fileno()).st_size)
    resp.set_header("Cache-Control", "no-store")
    for name, value in answer.headers.items():
        resp.set_header(name, value)
