"""JSON-RPC 2.0 as MCP's standard-input transport has it: one message a line, none longer than the bound."""

from dataclasses import dataclass
from typing import Any

from agentd.strict_json import Malformed, dumps, loads

LINE_BYTES_MAX = 1 << 20  # a payload of 64 KiB with every character escaped, and room
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
UNSUPPORTED_VERSION = -32022  # of MCP 2026-07-28

Id = str | int


class RpcError(Exception):
    """An error answer: code, one sentence, and what else the protocol wants beside it."""

    def __init__(self, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request, or with no id a notification."""

    method: str
    params: dict[str, Any]
    id: Id | None = None


def parse(line: bytes) -> Message | None:
    """Return a line's message, None for one that wants no answer of ours (a response).

    Raises RpcError for what is no message.
    """
    try:
        document = loads(line)
    except Malformed as wrong:
        raise RpcError(PARSE_ERROR, str(wrong)) from None
    if not isinstance(document, dict) or document.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, "not a JSON-RPC 2.0 message")
    if "method" not in document and ("result" in document or "error" in document):
        return None
    method, params = document.get("method"), document.get("params", {})
    if not isinstance(method, str) or not isinstance(params, dict):
        raise RpcError(INVALID_REQUEST, "a message has a method, and an object as its params")
    number = document.get("id")
    if "id" in document and (isinstance(number, bool) or not isinstance(number, str | int)):
        raise RpcError(INVALID_REQUEST, "an id is text or a whole number")
    return Message(method=method, params=params, id=number)


def result(to: Id, body: dict[str, Any]) -> bytes:
    """Return an answer as a line."""
    return dumps({"jsonrpc": "2.0", "id": to, "result": body}) + b"\n"


def error(to: Id | None, why: RpcError) -> bytes:
    """Return an error answer as a line; without an id when the request's can't be known."""
    said: dict[str, Any] = {"code": why.code, "message": str(why)}
    if why.data is not None:
        said["data"] = why.data
    return dumps({"jsonrpc": "2.0", "id": to, "error": said}) + b"\n"


def notification(method: str, params: dict[str, Any]) -> bytes:
    """Return a notification as a line."""
    return dumps({"jsonrpc": "2.0", "method": method, "params": params}) + b"\n"
