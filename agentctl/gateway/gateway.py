"""One model call, step by step: token, body, leave from the hub, key, provider, answer, use."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from agentctl.errors import (
    ProviderAway,
    ProviderUnusable,
    Refused,
    Unauthenticated,
    UpstreamFailed,
)
from agentctl.gateway import envelope, wording
from agentctl.gateway.ending import Ending, why_of, word
from agentctl.gateway.hub_side import Granted, HubSide, Wanted
from agentctl.gateway.judge import Judge
from agentctl.gateway.open_calls import OpenCalls
from agentctl.gateway.room import Room
from agentctl.model.fleet import Provider
from agentctl.model.task import Usage
from agentctl.monitor.circuit_calls import of_status
from agentctl.providers.address import Target, resolve
from agentctl.providers.exchange import Exchange
from agentctl.providers.upstream import (
    Operation,
    answer_headers,
    request_headers,
    retry_after_s,
)
from agentctl.providers.usage import StreamUsage, of_answer

TOKEN_CHARS_MAX = 256
ANSWER_BYTES_MAX = 32 * 1024 * 1024  # of an answer that comes whole; a long one has 300 KiB
EVENT_STREAM = "text/event-stream"
JSON = "application/json"

log = logging.getLogger("agentctl.gateway")


class KeySource(Protocol):
    """Where providers' keys come from: providers.keys.Keys."""

    def key(self, provider: Provider) -> str | None: ...

    def forget(self, provider: Provider) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came in. Header names are in lower case; `gone` says whether the client left."""

    provider: str
    operation: Operation
    container: str
    headers: Mapping[str, str]
    query: str
    body_bytes: int
    read_body: Callable[[], bytes]
    gone: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to answer; a body that is an iterator is to be passed on piece by piece, then closed."""

    status: int
    headers: Mapping[str, str]
    body: "bytes | Stream"


class Gateway:
    """Answers model calls; everything that it reaches is passed in. Threads share it."""

    def __init__(
        self,
        *,
        hub: HubSide,
        keys: KeySource,
        calls: OpenCalls,
        room: Room,
        judge: Judge,
        find: Callable[[Provider], Target] = resolve,
        exchange: Callable[[Target, str], Exchange] | None = None,
        keyless: Callable[[], None] = lambda: None,
    ) -> None:
        self._hub = hub
        self._keys = keys
        self._calls = calls
        self._room = room
        self._judge = judge
        self._find = find
        self._exchange = exchange or (lambda target, name: Exchange(target, name=name))
        self._keyless = keyless  # called when a call finds no key: the hub has to hear of it

    def answer(self, asked: Asked) -> Reply:
        """Make the call that is asked for; raises why it can't be, or may not be, made."""
        token = model_token(asked.headers)
        place = self._room.enter(asked.container, asked.body_bytes)
        try:
            raw = asked.read_body()
            wanted = Wanted(
                token=token,
                container=asked.container,
                provider=asked.provider,
                path=asked.operation.value,
                model=envelope.model_of(raw),
            )
            granted = self._hub.admit(wanted, gone=asked.gone)
            ending = Ending(wanted, granted, self._hub, self._calls, place, self._judge)
            return self._ask(asked, raw, ending)
        except BaseException:
            place.leave()
            raise

    def _ask(self, asked: Asked, raw: bytes, ending: Ending) -> Reply:
        """Ask the provider; from here on the hub hears how the call ended."""
        try:
            call = envelope.read(raw)
            _same(asked, call, ending.granted)
            try:
                return self._judge.ask(
                    ending.granted,
                    lambda: self._once(asked, call, ending),
                    left=lambda: asked.gone() or ending.cut,
                )
            except UpstreamFailed as why:
                self._judge.broke(ending.granted, why)
                raise
        except BaseException as why:
            ending.end(Usage(), word(why), why_of(why))
            if isinstance(why, ProviderUnusable):
                log.warning("%s: %s", why, why.why)
            if isinstance(why, ProviderUnusable) and not isinstance(why, ProviderAway):
                self._keyless()
            raise

    def _once(self, asked: Asked, call: envelope.Envelope, ending: Ending) -> Reply:
        """Connect to the provider, ask it once, and return its answer."""
        provider = ending.granted.provider
        key = self._keys.key(provider)
        target = self._find(provider)
        exchange = self._exchange(target, provider.name)
        ending.watched(exchange, gone=asked.gone)
        headers = request_headers(
            provider.kind, key=key, client=asked.headers, authority=target.authority
        )
        path = asked.operation.value + ("?beta=true" if asked.query == "beta=true" else "")
        status, answered = exchange.ask(path, call.body, headers)
        ending.heard()
        return self._passed_on(asked, status, answered, ending, key)

    def _passed_on(
        self,
        asked: Asked,
        status: int,
        answered: dict[str, str],
        ending: Ending,
        key: str | None,
    ) -> Reply:
        """Return the provider's answer: a stream as it comes, anything else whole."""
        provider = ending.granted.provider
        lowered = {name.lower(): value for name, value in answered.items()}
        if 300 <= status < 400:
            raise UpstreamFailed(
                f"provider {provider.name} answered with a redirect, and none is followed"
            )
        if lowered.get("content-encoding", "identity") != "identity":
            raise UpstreamFailed(
                f"provider {provider.name} answers in a coding it wasn't asked for"
            )
        headers = answer_headers(lowered)
        if status == 200 and lowered.get("content-type", "").startswith(EVENT_STREAM):
            return Reply(status=status, headers=headers, body=Stream(ending))
        body = _whole(ending.exchange, provider)
        counted = asked.operation is Operation.MESSAGES
        self._weighed(status, headers.get("retry-after", ""), ending, counted=counted)
        if status >= 400:
            body = _without(key, body)
        used = of_answer(_parsed(body)) if counted and status == 200 else Usage()
        ending.end(used, str(status))
        return Reply(status=status, headers=headers, body=body)

    def _weighed(self, status: int, retry_after: str, ending: Ending, *, counted: bool) -> None:
        """Take what a status says of the provider; raises ProviderAway where the attempt is to end.

        Only what is asked of the model counts: its token counter may well answer while it doesn't.
        """
        provider = ending.granted.provider
        if status in (401, 403):
            self._keys.forget(provider)
            log.warning("provider %s answered %d: is its key valid?", provider.name, status)
            try:
                self._judge.key_refused(ending.granted)
            finally:
                self._keys.forget(provider)  # the probe has read it again
        elif counted and status == 200:
            ending.answered()
        elif counted:
            wait_s = retry_after_s(retry_after, wall_s=time.time())
            trouble = of_status(status, wait_s, name=provider.name, now_s=time.monotonic())
            if trouble is not None:
                self._judge.failed(ending.granted, trouble)


class Stream:
    """A provider's events, passed on as they come; closing it ends the call, however far it got.

    The hub hears of the use before the client sees the end: so a task's result never
    overtakes its usage. What breaks on the way becomes an error event, not a quiet end.
    """

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._usage = StreamUsage()
        self._chunks = self._read()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        """End the call; idempotent. A client that left early has spent what was counted so far."""
        self._ending.end(self._usage.usage(), "client gone")

    def _read(self) -> Iterator[bytes]:
        exchange = self._ending.exchange
        try:
            while chunk := exchange.read():
                self._ending.heard()
                self._usage.feed(chunk)
                if self._usage.finished:
                    self._ending.answered()
                    self._ending.end(self._usage.usage(), "200", keep_open=True)
                yield chunk
            if not self._usage.finished:  # the provider hung up, or ended with an error of its own
                raise UpstreamFailed("the provider stopped in the middle of its answer")
            self._ending.end(self._usage.usage(), "200")
        except UpstreamFailed as failure:
            why = self._ending.weighed(failure)
            self._ending.end(self._usage.usage(), word(why), why_of(why))
            yield wording.event(why)


def model_token(headers: Mapping[str, str]) -> str:
    """Return the model token of a request: a bearer token, or in the header for API keys."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = headers.get("x-api-key", "")
    token = token.strip()
    if not token.startswith("mt1.") or len(token) > TOKEN_CHARS_MAX or not token.isascii():
        raise Unauthenticated("a model call needs the model token of its task")
    return token


def _same(asked: Asked, call: envelope.Envelope, granted: Granted) -> None:
    """Check once more, where the bytes are, that what goes out is what was granted."""
    if granted.provider.name != asked.provider:
        raise Refused("this container's provider is another one", rule="provider")
    if granted.provider.model != call.model:
        raise Refused(
            f"the model is {granted.provider.model}, as declared for this provider", rule="model"
        )


def _whole(exchange: Exchange, provider: Provider) -> bytes:
    body = bytearray()
    while chunk := exchange.read():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise UpstreamFailed(f"provider {provider.name} answers with too much")
    return bytes(body)


def _parsed(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _without(key: str | None, body: bytes) -> bytes:
    """Return a refusal's body without the key, in case a proxy on the way quotes its request."""
    return body.replace(key.encode(), b"[redacted]") if key else body
