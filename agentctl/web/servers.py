"""Servers for WSGI apps, one per listener: Unix sockets with attributed peers, and TCP.

`environ["agentctl.peer"]` is the model's Peer; `environ["waitress.client_disconnected"]` and
`environ["agentctl.closing"]` are functions for whoever waits on behalf of the client. Why
waitress, and which of its defaults are not ours: docs/decisions/0006-http-and-identity.md.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from waitress.adjustments import Adjustments

from agentctl.web.bind import tcp_socket, unix_socket
from agentctl.web.listener import Listener, TcpListener, UnixListener
from agentctl.web.watched import Watched
from agentctl.web.workers import Workers

BODY_BYTES_MAX = 256 * 1024  # a prompt of 200 KiB in its envelope
HEADER_BYTES_MAX = 16 * 1024  # an SVID has half a KiB, a poll names at most 64 tasks
SPOOL_BYTES = 1024 * 1024  # a body above it waits in an unlinked file instead of memory
ANSWER_BYTES_MAX = 64 * 1024 * 1024  # unsent answers stay in memory: a result is nothing for /tmp
BODIES_BYTES_MAX = 512 * 1024 * 1024  # of all bodies at once, counted before they arrive
CONNECTIONS_MAX = 1200  # a thousand agents with their polls, and room to say no to more
PEER_CONNECTIONS_MAX = 32  # agentd holds two or three; a flood from one leaves the others theirs
IDLE_S_MAX = 120.0
CLOSING_GRACE_S = 5.0

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Any]


class Server:
    """A listener and its threads. Connections queue from the moment that it is made."""

    def __init__(
        self, listener: Listener, workers: Workers, *, name: str, path: Path | None
    ) -> None:
        self.name = name
        self._listener = listener
        self._workers = workers
        self._path = path
        self._inode = path.stat().st_ino if path else 0
        self._thread: threading.Thread | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"Server({self.name})"

    @property
    def port(self) -> int:
        """The TCP port; of use when it was asked for as 0."""
        return int(self._listener.effective_port)  # type: ignore[attr-defined]

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._listener.active_channels)

    def run(self, *, grace_s: float = CLOSING_GRACE_S) -> None:
        """Serve on this thread until `close` is called on another."""
        self._listener.serve(grace_s=grace_s)

    def run_in_thread(self) -> None:
        """Serve on a thread of its own until `close`."""
        self._thread = threading.Thread(target=self.run, name=f"{self.name}-loop", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more requests, let answers out for some seconds, end the threads; twice is once."""
        if self._closed:
            return
        self._closed = True
        self._listener.begin_closing()
        if self._thread is not None:
            self._thread.join()
        else:
            self._listener.serve(grace_s=0.0)
        self._remove_socket()
        if self._workers.shutdown(timeout_s=CLOSING_GRACE_S):
            self._listener.trigger.close()  # else a late thread would write to a file of another's

    def _remove_socket(self) -> None:
        """Remove the socket's file, unless a successor has put its own there."""
        if self._path is not None:
            with suppress(FileNotFoundError):
                if self._path.lstat().st_ino == self._inode:
                    self._path.unlink()


def unix_server(
    app: WsgiApp,
    path: Path,
    *,
    mode: int,
    group: int | None = None,
    threads: int,
    body_bytes_max: int = BODY_BYTES_MAX,
    spool_bytes: int = SPOOL_BYTES,
    connections_max: int = CONNECTIONS_MAX,
    peer_connections_max: int | None = None,
    bodies_bytes_max: int = BODIES_BYTES_MAX,
) -> Server:
    """Return a server on a Unix socket with exactly that mode (and group), listening but not yet running.

    `spool_bytes` above `body_bytes_max` keeps every body in memory. A peer's share of the
    connections is PEER_CONNECTIONS_MAX where other accounts may connect (`mode & 0o006`), all of
    them where only the hub's own may. Raises Conflict (somebody listens there), ConfigError.
    """
    share = PEER_CONNECTIONS_MAX if mode & 0o006 else connections_max
    bound = unix_socket(path, mode=mode, group=group)
    return _server(
        UnixListener,
        app,
        bound,
        path.name,
        path,
        threads=threads,
        adjustments=_adjustments(body_bytes_max, spool_bytes, connections_max),
        peer_connections_max=share if peer_connections_max is None else peer_connections_max,
        bodies_bytes_max=bodies_bytes_max,
    )


def tcp_server(
    app: WsgiApp,
    host: str,
    port: int,
    *,
    threads: int,
    body_bytes_max: int = BODY_BYTES_MAX,
    spool_bytes: int = SPOOL_BYTES,
    connections_max: int = CONNECTIONS_MAX,
    peer_connections_max: int | None = None,
    bodies_bytes_max: int = BODIES_BYTES_MAX,
) -> Server:
    """Return a server on a TCP port (0: any free one), listening but not yet running.

    Peers are told apart by address; from this machine they all share one, so the share is all
    connections unless given. Raises Conflict (port in use), ConfigError.
    """
    share = connections_max if peer_connections_max is None else peer_connections_max
    bound = tcp_socket(host, port)
    return _server(
        TcpListener,
        app,
        bound,
        f"{host}:{port}",
        None,
        threads=threads,
        adjustments=_adjustments(body_bytes_max, spool_bytes, connections_max),
        peer_connections_max=share,
        bodies_bytes_max=bodies_bytes_max,
    )


def _server(
    kind: type[Any],
    app: WsgiApp,
    bound: Any,
    name: str,
    path: Path | None,
    *,
    threads: int,
    adjustments: Adjustments,
    peer_connections_max: int,
    bodies_bytes_max: int,
) -> Server:
    workers = Workers(threads, name=name)
    listener = kind(
        app,
        Watched(),
        True,
        bound,
        dispatcher=workers,
        adj=adjustments,
        sockinfo=(bound.family, bound.type, bound.proto, bound.getsockname()),
        bind_socket=False,
        peer_connections_max=peer_connections_max,
        bodies_bytes_max=bodies_bytes_max,
    )
    return Server(listener, workers, name=name, path=path)


def _adjustments(body_bytes_max: int, spool_bytes: int, connections_max: int) -> Adjustments:
    return Adjustments(
        backlog=1024,
        channel_request_lookahead=1,  # reads on while answering, so notices that the client left
        channel_timeout=int(IDLE_S_MAX),
        cleanup_interval=1,
        clear_untrusted_proxy_headers=False,  # nothing here reads them
        connection_limit=connections_max + 2,  # it counts the listener and the trigger too
        expose_tracebacks=False,
        ident="",
        inbuf_overflow=spool_bytes,
        log_socket_errors=False,
        max_request_body_size=body_bytes_max + 1,  # waitress refuses what reaches it
        max_request_header_size=HEADER_BYTES_MAX,
        outbuf_overflow=ANSWER_BYTES_MAX,
    )
