"""The one request that is understood here: CONNECT with the attempt's token. h11 reads it; no I/O.

Anything else is refused: what goes through a tunnel is between its two ends, but a plain http
request would have to be read, written anew and its answer's redirects judged.
"""

import base64
import binascii
from dataclasses import dataclass, field

import h11

from agentctl.egress import wording
from agentctl.errors import AgentctlError, MalformedBody, Refused, Unauthenticated

HEAD_BYTES_MAX = 8 * 1024  # a target has 260 bytes, a credential 350; libraries add a few lines
CREDENTIAL_CHARS_MAX = 1024
USER = "task"  # what agentd writes before the token


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """A CONNECT as it was asked for: the authority in its own bytes, and the token of an attempt."""

    authority: bytes
    token: str = field(repr=False)


class Request:
    """One connection's request; its bytes go in, and what to answer comes out."""

    def __init__(self) -> None:
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)

    def feed(self, received: bytes) -> Connect | None:
        """Return what is asked for once its head is there, None before.

        Raises MalformedBody (no such request), Refused (no CONNECT), Unauthenticated (no token).
        """
        try:
            self._h11.receive_data(received)
            event = self._h11.next_event()
        except h11.RemoteProtocolError as cause:
            raise MalformedBody("this is no HTTP/1.1 request that is understood here") from cause
        if event is h11.NEED_DATA:
            return None
        if not isinstance(event, h11.Request):
            raise MalformedBody("the connection ended within its request")
        return _connect(event)

    @property
    def early(self) -> bytes:
        """What came behind the head already: the first bytes of the tunnel."""
        return bytes(self._h11.trailing_data[0])

    def granted(self) -> bytes:
        """Return the answer that opens the tunnel."""
        answer = h11.Response(status_code=200, headers=[], reason=b"Connection established")
        return self._h11.send(answer) or b""

    @staticmethod
    def refused(error: AgentctlError) -> bytes:
        """Return the answer that says why there is no tunnel; the connection ends with it."""
        said = wording.answer(error)
        writer = h11.Connection(h11.SERVER)  # a new one: what broke has no state to answer in
        head = writer.send(h11.Response(status_code=said.status, headers=said.headers))
        return (head or b"") + (writer.send(h11.Data(data=said.body)) or b"")


def _connect(request: h11.Request) -> Connect:
    headers = [(bytes(name), bytes(value)) for name, value in request.headers]
    if request.method != b"CONNECT":
        raise Refused(
            "only CONNECT goes through here, which is how https and git over https are asked for",
            rule="connect-only",
            hint="use https:// in place of http://",
        )
    if request.http_version not in (b"1.0", b"1.1"):
        raise MalformedBody("this is no HTTP/1.1 request that is understood here")
    if any(name in (b"content-length", b"transfer-encoding") for name, _ in headers):
        raise MalformedBody("a CONNECT has no body")
    return Connect(authority=bytes(request.target), token=_token(headers))


def _token(headers: list[tuple[bytes, bytes]]) -> str:
    """Return the password of the one `Proxy-Authorization: Basic` header (RFC 7617), never repeating it."""
    given = [value for name, value in headers if name == b"proxy-authorization"]
    scheme, _, encoded = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
    if scheme.lower() != b"basic" or len(encoded) > CREDENTIAL_CHARS_MAX:
        raise _no_token()
    try:
        user, _, token = (
            base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
        )
    except (binascii.Error, ValueError):
        raise _no_token() from None
    if user != USER or not token or not token.isprintable() or len(token) > 256:
        raise _no_token()
    return token


def _no_token() -> Unauthenticated:
    return Unauthenticated(
        "egress needs the token of the task at work, as the proxy's user and password",
        hint="use HTTPS_PROXY as it is set for the task",
    )
