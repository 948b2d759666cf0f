"""The connections to one OPA server: kept for the next question, bounded in number and in time.

The standard library's HTTP and nothing over it: no proxy from the environment, no redirect, no
retry but the one for a kept connection that the server had closed.
"""

import http.client
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from urllib.parse import urlsplit

from agentctl.opa.answer import BODY_BYTES_MAX
from agentctl.opa.deadline import TimedSocket, left
from agentctl.opa.resolve import resolve

ASKING_MAX = 16  # at once: a policy is decided in a millisecond, so this is some thousands a second


class Failed(Exception):
    """The server can't be asked in time, or doesn't answer as HTTP says; in words without its address."""


class Line:
    """Connections to the server at `url`; threads share it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._places = threading.BoundedSemaphore(ASKING_MAX)
        self._idle: list[http.client.HTTPConnection] = []

    def post(
        self, path: str, body: bytes, deadline_s: float, *, token: str = ""
    ) -> tuple[int, bytes]:
        """Return the answer's status and body, of which one byte past the bound is read at most.

        `deadline_s` (time.monotonic) is for everything: a place, the name, connection, answer.
        Raises Failed.
        """
        try:
            if not self._places.acquire(timeout=left(deadline_s)):
                raise Failed(f"it doesn't answer {ASKING_MAX} questions in time")
            try:
                return self._post(path, body, deadline_s, _headers(token))
            finally:
                self._places.release()
        except TimeoutError as cause:
            raise Failed("it doesn't answer in time") from cause
        except http.client.RemoteDisconnected as cause:
            raise Failed("it closes the connection without an answer") from cause
        except ssl.SSLError as cause:
            raise Failed(f"TLS with it fails: {cause.reason or 'no reason given'}") from cause
        except OSError as cause:
            raise Failed(f"it can't be reached: {cause.strerror or 'no reason given'}") from cause
        except (http.client.HTTPException, ValueError) as cause:
            raise Failed("it answers with something that is not HTTP") from cause

    def close(self) -> None:
        """Close what is idle; a question that is out ends by its own deadline."""
        while self._idle:
            self._idle.pop().close()

    def _post(
        self, path: str, body: bytes, deadline_s: float, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        kept = self._take(deadline_s)
        if kept is not None:
            with suppress(http.client.RemoteDisconnected, ConnectionError):
                return self._exchange(kept, path, body, headers)
        return self._exchange(self._connect(deadline_s), path, body, headers)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes]:
        whole = False
        try:
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            read = answer.read(BODY_BYTES_MAX + 1)
            whole = answer.isclosed()
        finally:
            if whole and connection.sock is not None:
                self._idle.append(connection)
            else:
                connection.close()
        return answer.status, read

    def _take(self, deadline_s: float) -> http.client.HTTPConnection | None:
        """Return a kept connection that the server hasn't closed meanwhile, None when there is none."""
        while self._idle:
            with suppress(IndexError):  # another thread took the last one
                connection = self._idle.pop()
                sock = connection.sock
                if isinstance(sock, TimedSocket) and not _has_something(sock):
                    sock.deadline_s = deadline_s
                    return connection
                connection.close()
        return None

    def _connect(self, deadline_s: float) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.auto_open = 0  # never another socket than the one that is timed
        failure: OSError | None = None
        for address in resolve(self._host, self._port, within_s=left(deadline_s)):
            if not self._tls and not ipaddress.ip_address(address).is_loopback:
                continue  # "localhost" that leads elsewhere: questions don't cross a network in clear text
            try:
                sock = socket.create_connection((address, self._port), timeout=left(deadline_s))
            except OSError as cause:
                failure = cause
                continue
            connection.sock = TimedSocket(self._secured(sock, deadline_s), deadline_s)
            return connection
        if isinstance(failure, TimeoutError):
            raise failure
        raise failure or OSError(0, "its name leads nowhere that may be asked")

    def _secured(self, sock: socket.socket, deadline_s: float) -> socket.socket:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._tls:
            return sock
        try:
            sock.settimeout(left(deadline_s))
            return _tls().wrap_socket(sock, server_hostname=self._host)
        except BaseException:
            sock.close()
            raise


def _headers(token: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    return headers | ({"Authorization": f"Bearer {token}"} if token else {})


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _has_something(sock: TimedSocket) -> bool:
    """Whether an idle connection is readable: closed by the server, or holding what nobody asked for."""
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
