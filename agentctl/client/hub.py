"""One hub, over its Unix socket or over HTTP; a connection per thread, kept while it lasts."""

import http.client
import json
import select
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlencode

from agentctl.client.address import url_of
from agentctl.client.problems import error_from
from agentctl.errors import AgentctlError, HubUnavailable, Unauthenticated

TIMEOUT_S = 30.0  # longer than any answer but a long poll's, which names its own
CONNECT_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 64 * 1024 * 1024  # twice the largest body that the hub takes
AUTHENTICATE = "set AGENTCTL_TOKEN; `agentctl token create` on the hub's machine makes one"

Params = Mapping[str, Any]


class Hub:
    """A client of the hub's API; threads may share it.

    `target` is a Unix socket's path (with or without `unix://`) or `http(s)://HOST:PORT`.
    Every call returns the answer's JSON object. A problem document is raised as the class
    of agentctl.errors it was made from, an absent hub as HubUnavailable.
    """

    def __init__(
        self,
        target: str,
        *,
        token: str | None = None,
        timeout_s: float = TIMEOUT_S,
        state: str = "",
    ) -> None:
        """`state` is the state directory, for the words of an error. Raises ConfigError."""
        self.target = target.removeprefix("unix://")
        self._url = url_of(target, has_token=token is not None)
        self._token = token
        self._timeout_s = timeout_s
        self._state = state
        self._kept = threading.local()

    @property
    def over_http(self) -> bool:
        """Whether the hub is reached over HTTP, so maybe on another machine."""
        return self._url is not None

    def __repr__(self) -> str:
        return f"Hub({self.target!r})"

    def get(
        self, path: str, params: Params | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        """GET; `params` of None are left out, lists are repeated. A long poll gives its `timeout_s`."""
        query = _query(params)
        return self._call("GET", f"{path}?{query}" if query else path, None, {}, timeout_s)

    def get_bytes(self, path: str) -> bytes:
        """GET what isn't JSON, a file, as it is."""
        return self._asked("GET", path, None, {"Accept": "*/*"}, None)

    def post(
        self,
        path: str,
        body: Any,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, Any]:
        """POST `body` as JSON. With an `Idempotency-Key` header a lost connection is tried again."""
        return self._call("POST", path, body, headers or {}, timeout_s)

    def delete(self, path: str, timeout_s: float | None = None) -> dict[str, Any]:
        """DELETE."""
        return self._call("DELETE", path, None, {}, timeout_s)

    def close(self) -> None:
        """Close this thread's connection, if it has one."""
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        self._kept.connection = None
        if connection is not None:
            connection.close()

    def _call(
        self, method: str, path: str, body: Any, extra: Mapping[str, str], timeout_s: float | None
    ) -> dict[str, Any]:
        answer = self._asked(method, path, body, extra, timeout_s)
        return _object(answer, f"{method} {path.partition('?')[0]}")

    def _asked(
        self, method: str, path: str, body: Any, extra: Mapping[str, str], timeout_s: float | None
    ) -> bytes:
        payload = None if body is None else json.dumps(body, allow_nan=False).encode()
        headers = {**self._headers(payload), **extra}
        asked = f"{method} {path.partition('?')[0]}"
        again = method != "POST" or "idempotency-key" in {name.lower() for name in extra}
        wait_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            status, retry_after, answer = self._exchange(
                method, path, payload, headers, wait_s, again
            )
        except TimeoutError as cause:
            raise self._absent(f"did not answer {asked} within {wait_s:g} s") from cause
        except (OSError, http.client.HTTPException) as cause:
            raise self._absent(f"does not answer ({_why(cause)})") from cause
        if status >= 400:
            error = error_from(status, answer, retry_after=retry_after, asked=asked)
            if self._url is not None and isinstance(error, Unauthenticated):
                error.hint = AUTHENTICATE  # the hub's own words are for who writes requests
            raise error
        return answer

    def _exchange(
        self,
        method: str,
        path: str,
        payload: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
        again: bool,
    ) -> tuple[int, str | None, bytes]:
        """Send one request; one that may be repeated is, when a kept connection turns out dead."""
        connection, kept = self._connection()
        try:
            return self._send(connection, method, path, payload, headers, timeout_s)
        except (ConnectionError, http.client.BadStatusLine):
            self.close()
            if not (kept and again):
                raise
        except BaseException:
            self.close()  # an answer may still be on its way: never to the next caller
            raise
        return self._exchange(method, path, payload, headers, timeout_s, again=False)

    def _send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        payload: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> tuple[int, str | None, bytes]:
        if connection.sock is None:
            self._open(connection)
        connection.sock.settimeout(timeout_s)
        connection.request(method, path, body=payload, headers=dict(headers))
        response = connection.getresponse()
        answer = response.read(ANSWER_BYTES_MAX + 1)
        if len(answer) > ANSWER_BYTES_MAX:
            raise http.client.HTTPException(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
        if response.will_close:
            self.close()
        return response.status, response.headers.get("Retry-After"), answer

    def _open(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            raise
        except (TimeoutError, ssl.SSLError, ConnectionError) as cause:
            if self._url is not None and self._url.scheme == "https" and connection.sock:
                raise self._no_tls() from cause  # somebody took the connection, and no handshake
            if isinstance(cause, TimeoutError):
                took = f"did not accept a connection within {CONNECT_TIMEOUT_S:g} s"
                raise self._absent(took) from cause
            raise

    def _no_tls(self) -> HubUnavailable:
        assert self._url is not None
        return HubUnavailable(
            f"what listens at {self.target} does not speak TLS",
            hint=f"the hub itself speaks plain HTTP: http://{self._url.netloc} on its own machine;"
            " elsewhere https:// needs a proxy in front of it",
        )

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """Return this thread's connection, and whether it was used before."""
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if connection is not None and connection.sock is not None and not _ended(connection.sock):
            return connection, True
        self.close()
        fresh = _made(self._url, self.target)
        self._kept.connection = fresh
        return fresh, False

    def _headers(self, payload: bytes | None) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if payload is not None:
            headers["Content-Type"] = "application/json"
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _absent(self, what: str) -> HubUnavailable:
        where = f" with the state directory {self._state}" if self._state else ""
        return HubUnavailable(
            f"the hub at {self.target} {what}", hint=f"is `agentctl serve` running{where}?"
        )


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _made(url: SplitResult | None, path: str) -> http.client.HTTPConnection:
    if url is None:
        return _UnixConnection(path, CONNECT_TIMEOUT_S)
    assert url.hostname is not None
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.hostname, url.port, timeout=CONNECT_TIMEOUT_S)


def _query(params: Params | None) -> str:
    given = {name: value for name, value in (params or {}).items() if value is not None}
    return urlencode(given, doseq=True)


def _ended(sock: socket.socket) -> bool:
    """Whether the idle connection was closed by the hub (readable with nothing asked means its end)."""
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def _why(cause: Exception) -> str:
    if isinstance(cause, FileNotFoundError):
        return "there is no such socket"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _object(answer: bytes, asked: str) -> dict[str, Any]:
    try:
        document = json.loads(answer or b"{}")
    except ValueError as cause:
        raise AgentctlError(f"{asked} was answered with something that is not JSON") from cause
    if not isinstance(document, dict):
        raise AgentctlError(f"{asked} was answered with JSON that is no object")
    return document
