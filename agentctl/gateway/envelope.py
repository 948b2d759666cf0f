"""The body of a model call, read far enough to know what it asks for, and written anew.

What goes to the provider is written from what was checked here. So no two readers can find
two different models in it: names that stand twice, or that a lenient reader (Go's takes `Model`
for `model`) would mix up, don't get through. Source: RFC 8259 §4.
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from agentctl.errors import MalformedBody, Refused, TooLarge
from agentctl.gateway.reach import reaches_out

MODEL_CHARS_MAX = 256
VALUES_MAX = 500_000  # a long conversation has ten thousand; so many take some 50 MB
_NO_CALL = "the body of a model call is one JSON document in UTF-8, an object"
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class _Top(msgspec.Struct):
    """Of all that a body holds, the model: what has no field here is passed over, and never made."""

    model: msgspec.Raw = msgspec.Raw(b"null")


_TOP = msgspec.json.Decoder(_Top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a call asks for; `body` is the JSON to send on."""

    model: str
    stream: bool
    body: bytes


def model_of(raw: bytes) -> str:
    """Return the model that a body names, without a look at the rest: nobody knows yet whose it is.

    Read whole, 31 MiB of `[],` are a gigabyte of lists. Raises MalformedBody.
    """
    try:
        return _model(msgspec.json.decode(_TOP.decode(raw).model))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise MalformedBody(_NO_CALL) from cause


def read(raw: bytes) -> Envelope:
    """Return the call that a body makes; it costs many times its size, for as long as it takes.

    Raises MalformedBody (no JSON object, no model), TooLarge (more values than a call has) and
    Refused (it would have the provider reach further than the provider itself).
    """
    _require_few(raw)
    document = _document(raw)
    for name in document:
        if name != "model" and name.casefold() == "model":
            raise MalformedBody(f"{name!r} is no field of a model call; `model` is")
    model = _model(document.get("model"))
    stream = document.get("stream", False)
    if not isinstance(stream, bool):
        raise MalformedBody("`stream` is true or false")
    _refuse_reach(document)
    return Envelope(model=model, stream=stream, body=_written(document))


def _model(named: Any) -> str:
    if not isinstance(named, str) or not 0 < len(named) <= MODEL_CHARS_MAX:
        raise MalformedBody("a model call names its `model`")
    return named


def _require_few(raw: bytes) -> None:
    """Raise TooLarge for more values than VALUES_MAX: each begins behind one of three characters.

    They stand in texts, too, so where there are many the texts are taken out first.
    """
    if _beginnings(raw) > VALUES_MAX and _beginnings(_STRING.sub(b"", raw)) > VALUES_MAX:
        raise TooLarge(f"a model call has at most {VALUES_MAX} values")


def _beginnings(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _document(raw: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise MalformedBody(_NO_CALL) from cause
    if not isinstance(document, dict):
        raise MalformedBody("the body of a model call is a JSON object")
    return document


def _refuse_reach(document: dict[str, Any]) -> None:
    found = reaches_out(document)
    if found:
        raise Refused(
            f"{found} would have the provider reach out to other places for this task",
            rule="no-reach-beyond-the-provider",
            hint="send the content itself, or use a tool inside the container",
        )


def _written(document: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(document)
    except (msgspec.EncodeError, UnicodeEncodeError, OverflowError, RecursionError) as cause:
        raise MalformedBody("a number or text of the body can't be sent on as it is") from cause
