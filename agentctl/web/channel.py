"""One connection: its peer as the kernel tells it, each answer in one packet, errors as problems.

Uses waitress's private parts: see `requests`.
"""

import logging
import socket
import time
from functools import lru_cache, partial
from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import build_http_date

from agentctl.model.principal import Peer
from agentctl.web import problems
from agentctl.web.requests import StrictRequest

_WORDS = {
    400: "this is not well-formed HTTP/1.1",
    411: "a body needs a Content-Length; no transfer encoding is taken here",
    413: "the body is over this listener's bound",
    429: "the bodies that are arriving take all the room that there is; try again",
    431: "the headers are over this listener's bound",
}

# Else each client that leaves early is a line with 16 KiB of its own words: it fills the disk at will.
logging.getLogger("waitress").setLevel(logging.WARNING)


@lru_cache(2)
def _date(second: int) -> str:
    return str(build_http_date(second))


class Problem(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """What isn't even a request is answered as problem details, without its own words in it."""

    def execute(self) -> None:
        code = self.request.error.code
        status = code if code in _WORDS else 500
        detail = _WORDS.get(status, "something failed that nobody planned for; the log has it")
        body = problems.as_bytes(problems.problem_of_status(status, detail))
        self.status = f"{status} {self.request.error.reason}"
        self.response_headers.append(("Content-Type", problems.CONTENT_TYPE))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Answer(WSGITask):  # type: ignore[misc]
    """A WSGI answer. A body that comes whole leaves with its head in one write, so in one packet."""

    wrote_header: bool
    start_time: float
    response_headers: list[tuple[str, str]]

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ["agentctl.peer"] = self.channel.peer
        environ["agentctl.closing"] = self.channel.server.is_closing
        return environ

    def build_response_header(self) -> bytes:
        """Return the head, with the date of its second: waitress would put it into words each time."""
        self.response_headers.append(("Date", _date(int(self.start_time))))
        head: bytes = super().build_response_header()
        return head

    def write(self, data: bytes) -> None:
        whole = bool(data) and self.complete and len(data) == self.content_length
        if self.wrote_header or not whole or not self.has_body:
            super().write(data)
            return
        head = self.build_response_header()
        self.wrote_header = True
        self.content_bytes_written = len(data)
        self.channel.write_soon(head + data)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection and its peer, looked at once, when it is accepted."""

    task_class = Answer
    error_task_class = Problem

    def __init__(
        self,
        server: Any,
        connection: socket.socket,
        address: Any,
        adjustments: Any,
        *,
        peer: Peer,
        held_by: str,
        loop: dict[int, Any],
    ) -> None:
        """`held_by` is under whose share of connections this one counts."""
        self.peer = peer
        self.held_by = held_by
        self.number = connection.fileno()
        self.parser_class = partial(StrictRequest, has_room=self._has_room)
        super().__init__(server, connection, address, adjustments, map=loop)

    def service(self) -> None:
        """Answer one request, on a worker's thread."""
        self.server.serving(self)
        super().service()

    def del_channel(self, loop: dict[int, Any] | None = None) -> None:
        """Take the connection out of the loop and out of its peer's share."""
        was_open = self._fileno in self.server.active_channels
        super().del_channel(loop)
        if was_open:
            self.server.released(self.held_by)

    @property
    def body_bytes(self) -> int:
        """What the bodies take, or will, of the requests that are arriving or being answered here."""
        arriving = () if self.request is None else (self.request,)
        return sum(each.content_length for each in (*arriving, *self.requests))

    def _has_room(self, body_bytes: int) -> bool:
        return bool(self.server.has_room(self, body_bytes))

    @property
    def busy(self) -> bool:
        """Whether a request is being answered, or its answer is still on its way."""
        return bool(self.requests) or self.total_outbufs_len > 0

    def drips(self, *, longer_than_s: float) -> bool:
        """Whether a request has been arriving for longer than that: each byte resets waitress's timeout."""
        arriving = self.request
        return arriving is not None and time.monotonic() - arriving.began_s > longer_than_s
