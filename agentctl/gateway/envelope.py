"""The body of a model call, read far enough to know what it asks for, and written anew.

What goes to the provider is written from what was checked here. So no two readers can find
two different models in it: names that stand twice, or that a lenient reader (Go's takes `Model`
for `model`) would mix up, don't get through. Source: RFC 8259 §4.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from agentctl.errors import MalformedBody, Refused
from agentctl.gateway.reach import reaches_out

MODEL_CHARS_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a call asks for; `body` is the JSON to send on."""

    model: str
    stream: bool
    body: bytes


def read(raw: bytes) -> Envelope:
    """Return the call that a body makes.

    Raises MalformedBody (no JSON object, no model) and Refused (it would have the provider
    reach further than the provider itself).
    """
    document = _document(raw)
    for name in document:
        if name != "model" and name.casefold() == "model":
            raise MalformedBody(f"{name!r} is no field of a model call; `model` is")
    model = document.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= MODEL_CHARS_MAX:
        raise MalformedBody("a model call names its `model`")
    stream = document.get("stream", False)
    if not isinstance(stream, bool):
        raise MalformedBody("`stream` is true or false")
    _refuse_reach(document)
    return Envelope(model=model, stream=stream, body=_written(document))


def _document(raw: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise MalformedBody("the body of a model call is one JSON document in UTF-8") from cause
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
