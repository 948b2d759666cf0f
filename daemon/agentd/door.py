"""HTTP over a Unix socket: a line to one of the door's sockets."""

import contextlib
import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentd.strict_json import Malformed, loads

ANSWER_BYTES_MAX = 16 * 1024 * 1024  # 64 messages with prompts of 200 KiB
_CONNECT_S = 5.0


class DoorClosed(Exception):
    """No answer came: nobody listens, the line broke, or what came isn't HTTP with JSON."""


class Interrupted(Exception):
    """The line was hung up from this side, on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer's status, its JSON body ({} when it isn't an object), and Retry-After in seconds."""

    status: int
    body: dict[str, Any]
    retry_after_s: float | None = None


class UnixConnection(http.client.HTTPConnection):
    """http.client's connection on a Unix socket."""

    def __init__(self, path: str, *, timeout_s: float) -> None:
        super().__init__("agentctl", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect; OSError when nobody listens. The timeout for answers is set per request."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(_CONNECT_S)
            sock.connect(self._path)
            sock.settimeout(self.timeout)
        except BaseException:
            sock.close()
            raise
        self.sock = sock


class Line:
    """One kept connection, used by one thread at a time; another thread may hang it up."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: UnixConnection | None = None
        self._hung_up = False

    def call(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout_s: float,
    ) -> Answer:
        """Send one request and return its answer; DoorClosed, or Interrupted after `hang_up`.

        A kept connection that the other side has closed meanwhile is replaced
        and the request sent again: every request of this API may be repeated.
        """
        kept = self._connection is not None
        try:
            return self._once(method, target, headers=headers, body=body, timeout_s=timeout_s)
        except (ConnectionError, http.client.BadStatusLine) as cause:
            self.close()
            if self._hung_up:
                raise Interrupted from cause
            if not kept:
                raise DoorClosed(f"{self._path}: {type(cause).__name__}") from cause
        except (OSError, http.client.HTTPException, Malformed) as cause:
            self.close()
            if self._hung_up:
                raise Interrupted from cause
            raise DoorClosed(f"{self._path}: {type(cause).__name__}") from cause
        return self.call(method, target, headers=headers, body=body, timeout_s=timeout_s)

    def _once(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
    ) -> Answer:
        connection = self._connected(timeout_s)
        connection.request(method, target, body=body, headers=dict(headers))
        response = connection.getresponse()
        raw = response.read(ANSWER_BYTES_MAX + 1)
        if len(raw) > ANSWER_BYTES_MAX:
            raise Malformed("the answer is over its bound")
        if response.will_close:
            self.close()
        return Answer(
            status=response.status,
            body=_body(raw, response.status),
            retry_after_s=_seconds(response.headers.get("Retry-After")),
        )

    def _connected(self, timeout_s: float) -> UnixConnection:
        connection = self._connection
        if connection is None:
            connection = UnixConnection(self._path, timeout_s=timeout_s)
            connection.connect()
            self._connection = connection
        connection.sock.settimeout(timeout_s)
        if self._hung_up:  # asked for while nothing was there to shut down
            raise ConnectionAbortedError
        return connection

    def hang_up(self) -> None:
        """End a call in progress, or the next one, with Interrupted. Any thread may ask."""
        self._hung_up = True
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):  # closed a moment ago: the flag does the rest
                sock.shutdown(socket.SHUT_RDWR)

    def rearm(self) -> None:
        """Take calls again after a hang-up."""
        self._hung_up = False

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _body(raw: bytes, status: int) -> dict[str, Any]:
    try:
        parsed = loads(raw)
    except Malformed:
        if status < 300:
            raise
        return {}  # a proxy's error page: the status says enough
    return parsed if isinstance(parsed, dict) else {}


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isascii() and header.isdigit() else None
