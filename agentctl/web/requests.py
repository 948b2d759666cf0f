"""How a request is read from the wire: waitress's parser, stricter, with bounds that let the answer through.

This module and its neighbours `channel` and `listener` use waitress's private parts, which is
why its version is pinned and why they have tests of their own. Source: RFC 9112 §6 and §11.2.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress

from waitress.parser import HTTPRequestParser, TransferEncodingNotImplemented
from waitress.utilities import BadRequest, Error, RequestEntityTooLarge

DRAINED_BYTES_MAX = 8 * 1024 * 1024  # of a body over the bound: read and dropped, so that the
# client has sent it all and reads why; a larger one finds the connection closed

_TRANSFER_ENCODING = re.compile(rb"^transfer[-_]encoding[ \t]*:", re.IGNORECASE | re.MULTILINE)


class LengthRequired(Error):  # type: ignore[misc]  # waitress has no types
    """A request without Content-Length: framing by transfer coding is where smuggling lives."""

    code = 411
    reason = "Length Required"


class TooMuchAtOnce(Error):  # type: ignore[misc]
    """A body for which there is no room besides those that are here: before any of it is read."""

    code = 429
    reason = "Too Many Requests"


class StrictRequest(HTTPRequestParser):  # type: ignore[misc]
    """One request as it arrives. Refuses every Transfer-Encoding; drains bodies over the bound.

    `has_room` says whether a body of that many bytes may come, as things are now.
    """

    path = ""  # waitress logs it of a client that left, also where no path was ever read
    expect_continue: bool
    completed: bool
    content_length: int

    def __init__(self, adj: object, *, has_room: Callable[[int], bool]) -> None:
        super().__init__(adj)
        self._has_room = has_room
        self.began_s = time.monotonic()
        self._undrained_bytes = 0

    def received(self, data: bytes) -> int:
        """Take bytes of this request; return how many were its own."""
        if self._undrained_bytes:
            return self._drain(len(data))
        consumed: int = super().received(data)
        too_large = isinstance(self.error, RequestEntityTooLarge)
        if too_large and self.content_length <= DRAINED_BYTES_MAX and not self.expect_continue:
            self.completed = False
            self._undrained_bytes = self.content_length
        self.expect_continue = self.expect_continue and self.error is None
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head; also what looks like a second request's framing makes it an error."""
        malformed = False
        try:
            with suppress(TransferEncodingNotImplemented):  # refused below, as all of them are
                super().parse_header(header_plus)
        except ValueError:  # urllib's own, of `http://[::1/`: nobody above would answer it
            malformed = True
        if _TRANSFER_ENCODING.search(header_plus):
            self.error = LengthRequired("")
            self.body_rcv = None
            self.content_length = 0
        elif malformed or ("HOST" not in self.headers and self.version == "1.1"):
            self.error = BadRequest("")  # RFC 9112 §3.2 for want of a Host
            self.body_rcv = None
            self.content_length = 0
        elif self.content_length > 0 and not self._has_room(self.content_length):
            self.error = TooMuchAtOnce("")
            self.body_rcv = None
            self.content_length = 0

    def _drain(self, received_bytes: int) -> int:
        taken = min(received_bytes, self._undrained_bytes)
        self._undrained_bytes -= taken
        self.completed = not self._undrained_bytes
        return taken
