"""One request to a provider and its answer, over a connection of its own that any thread may cut.

A connection is used once. So cutting a call is closing its socket, and nothing of one task's
call can be left over for the next one. Redirects aren't followed and no proxy is taken from
the environment: both would send work where no one declared it may go.
"""

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from types import TracebackType
from typing import Self

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

from agentctl.errors import CallCut, UpstreamFailed, UpstreamSlow, UpstreamUnreached
from agentctl.providers.address import Target

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 600.0  # between two bytes: a large model may think, or load, for minutes
CHUNK_BYTES_MAX = 64 * 1024


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class Exchange:
    """A request to `target`, asked once. `name` is the provider's, for the words of errors."""

    def __init__(
        self,
        target: Target,
        *,
        name: str,
        read_timeout_s: float = READ_TIMEOUT_S,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self._target = target
        self._name = name
        self._read_timeout_s = read_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._response: HTTPResponse | None = None
        self.cut_reason = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, str]]:
        """POST `body`; return the answer's status and headers as soon as they are there.

        Raises UpstreamUnreached (nothing was sent), UpstreamFailed, UpstreamSlow, or CallCut.
        """
        return self._request("POST", path, body, headers)

    def look(self, path: str, headers: Mapping[str, str]) -> int:
        """GET a path; return the answer's status. Raises as `ask`."""
        return self._request("GET", path, None, headers)[0]

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str]]:
        connection = self._connect()
        try:
            connection.request(
                method,
                self._target.path + path,
                body=body,
                headers=headers,
                preload_content=False,
                decode_content=False,
            )
            self._response = connection.getresponse()
        except (OSError, urllib3.exceptions.HTTPError, urllib3.exceptions.HTTPWarning) as cause:
            raise self._failure(cause, "does not answer") from cause
        except Exception as cause:  # http.client has errors of its own kind
            raise self._failure(cause, "answers with something that is not HTTP") from cause
        return self._response.status, dict(self._response.headers)

    def read(self) -> bytes:
        """Return the next bytes as soon as there are any; b"" at the end. Raises as `ask`."""
        assert self._response is not None, "ask first"
        try:
            chunk = self._response.read1(CHUNK_BYTES_MAX, decode_content=False)
        except Exception as cause:  # a cut socket fails in more ways than can be listed
            raise self._failure(cause, "stopped in the middle of its answer") from cause
        if self.cut_reason:
            raise CallCut(self.cut_reason)
        return chunk

    def cut(self, reason: str) -> None:
        """End the exchange from any thread: a read or send in progress fails, and so does every later one."""
        self.cut_reason = self.cut_reason or reason
        sock = self._socket
        if sock is not None:
            with suppress(OSError):
                # The plain socket's own shutdown: the TLS one first drops its cipher, and a
                # thread that is just sending would go on in the clear.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection up; idempotent. Only the thread that reads may call it."""
        if self._response is not None:
            self._response.close()
        if self._connection is not None:
            self._connection.close()

    def _connect(self) -> HTTPConnection:
        """Connect to the first address that takes it."""
        failure: Exception | None = None
        for address in self._target.addresses:
            if self.cut_reason:
                raise CallCut(self.cut_reason)
            connection = self._connection = self._open(address)
            try:
                connection.connect()
            except (OSError, ValueError, urllib3.exceptions.HTTPError) as cause:
                connection.close()
                failure = cause
                continue
            self._socket = connection.sock
            connection.timeout = self._read_timeout_s  # urllib3 puts it on the socket to read
            if connection.sock is not None:
                connection.sock.settimeout(self._read_timeout_s)
            if self.cut_reason:  # cut while connecting: there was no socket to shut down yet
                raise CallCut(self.cut_reason)
            return connection
        assert failure is not None, "a target has at least one address"
        raise self._failure(failure, "can't be reached", unsent=True) from failure

    def _open(self, address: str) -> HTTPConnection:
        """Return a connection to the checked address, under the provider's own name for TLS."""
        if self._target.scheme == "http":
            return HTTPConnection(address, self._target.port, timeout=self._connect_timeout_s)
        return HTTPSConnection(
            address,
            self._target.port,
            timeout=self._connect_timeout_s,
            ssl_context=_tls(),
            server_hostname=self._target.host,  # the context checks the certificate against it
        )

    def _failure(self, cause: Exception, what: str, *, unsent: bool = False) -> UpstreamFailed:
        if self.cut_reason:
            return CallCut(self.cut_reason)
        refused = isinstance(cause, urllib3.exceptions.NewConnectionError)  # a timeout, to urllib3
        slow = isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) and not refused
        why = f"provider {self._name} {what} at {self._target.origin}{_words_of(cause)}"
        why += ": it took too long" if slow else ""
        if unsent:
            return UpstreamUnreached(f"provider {self._name} {what}").told(why)
        if slow:
            return UpstreamSlow(f"provider {self._name} took too long").told(why)
        return UpstreamFailed(f"provider {self._name} {what}").told(why)


def _words_of(cause: BaseException | None) -> str:
    """Return the system's own words for a failure, "" when it has none; never what the other side sent."""
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return f": {cause.strerror}"
        cause = cause.__cause__ or cause.__context__
    return ""
