"""The agents' door to models as a Falcon app: two paths, errors in the words of the Messages API."""

import logging
import re
from collections.abc import Mapping
from typing import Any

import falcon

from agentctl.errors import AgentctlError, MalformedBody, NotFound
from agentctl.gateway import wording
from agentctl.gateway.gateway import JSON, Asked, Gateway
from agentctl.model.principal import Peer
from agentctl.providers.upstream import Operation

PROVIDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

log = logging.getLogger("agentctl.gateway")


class ModelCall:
    """`POST /<provider>/v1/messages` and its count_tokens."""

    def __init__(self, gateway: Gateway, operation: Operation) -> None:
        self._gateway = gateway
        self._operation = operation

    def on_post(self, req: falcon.Request, resp: falcon.Response, provider: str) -> None:
        """Pass a call on to the provider, and its answer back."""
        reply = self._gateway.answer(_asked(req, provider, self._operation))
        resp.status = falcon.code_to_http_status(reply.status)
        resp.content_type = reply.headers.get("content-type", JSON)
        for name, value in reply.headers.items():
            if name != "content-type":
                resp.set_header(name, value)
        if isinstance(reply.body, bytes):
            resp.data = reply.body
        else:
            resp.stream = reply.body


def gateway_app(gateway: Gateway) -> "falcon.App[Any, Any]":
    """Return the app for `llm.sock`; its server sets `agentctl.peer` for each request."""
    app: falcon.App[Any, Any] = falcon.App()
    app.add_route("/{provider}/v1/messages", ModelCall(gateway, Operation.MESSAGES))
    app.add_route(
        "/{provider}/v1/messages/count_tokens", ModelCall(gateway, Operation.COUNT_TOKENS)
    )
    app.add_error_handler(Exception, _unplanned)
    app.add_error_handler(falcon.HTTPError, _from_falcon)
    app.add_error_handler(AgentctlError, _planned)
    return app


def _asked(req: falcon.Request, provider: str, operation: Operation) -> Asked:
    if not PROVIDER.fullmatch(provider):
        raise NotFound("there is no such provider")
    headers = {name.lower(): value for name, value in req.headers.items()}
    if headers.get("content-encoding", "identity") != "identity":
        raise MalformedBody("the body of a model call comes uncompressed")
    length = req.content_length or 0
    peer: Peer = req.env.get("agentctl.peer", Peer())
    return Asked(
        provider=provider,
        operation=operation,
        container=peer.container,
        headers=headers,
        query=req.query_string,
        body_bytes=length,
        read_body=lambda: req.bounded_stream.read(length),
        gone=req.env.get("waitress.client_disconnected", _never),
    )


def _never() -> bool:
    return False


def _say(
    resp: falcon.Response, status: int, message: str, headers: Mapping[str, str] | None = None
) -> None:
    resp.status = falcon.code_to_http_status(status)
    resp.content_type = JSON
    resp.data = wording.body(status, message)
    for name, value in (headers or {}).items():
        resp.set_header(name, value)


def _planned(
    _req: falcon.Request, resp: falcon.Response, error: AgentctlError, _params: dict[str, Any]
) -> None:
    status = wording.status_of(error)
    if status >= 500:
        log.warning("answered %d: %s", status, error, exc_info=error.__cause__)
    _say(resp, status, str(error), wording.headers(error))


def _from_falcon(
    _req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: dict[str, Any]
) -> None:
    status = int(str(error.status)[:3])
    words = {
        404: "there is nothing here but POST /<provider>/v1/messages and its count_tokens",
        405: "model calls are made with POST",
    }
    _say(
        resp, status, words.get(status, "the request can't be answered"), dict(error.headers or {})
    )


def _unplanned(
    _req: falcon.Request, resp: falcon.Response, error: Exception, _params: dict[str, Any]
) -> None:
    log.error("a model call failed in a way that nobody planned for", exc_info=error)
    _say(resp, 500, "something failed that nobody planned for; the gateway's log has it")
