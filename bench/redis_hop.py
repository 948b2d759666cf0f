"""The same hop on Redis streams: a message into a log and into the recipient's stream, durable, then read.

One step of Redis does both appends (MULTI), each write is on the disk before it is answered
(appendfsync always), the recipient waits in its consumer group and acknowledges with its next read:
what the hub does. Checks, identity and labels have no counterpart here. The client is as thin as the hub's.
"""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from bench.wire import Loop

LINE = "x" * 600  # as long as the hub's journal line of a message, with its decision
RECEIVED_BYTES = 256 * 1024
NOTHING = b"*-1\r\n"  # the wait was over


def command(*parts: str) -> bytes:
    """Return a command as it goes over the wire (RESP2)."""
    said = [f"*{len(parts)}\r\n".encode()]
    for each in parts:
        raw = each.encode()
        said.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(said)


def reply_end(data: bytes, at: int) -> int:
    """Return where the reply that begins at `at` ends, -1 while it isn't whole."""
    end = data.find(b"\r\n", at)
    if end < 0:
        return -1
    kind, head, end = data[at : at + 1], data[at + 1 : end], end + 2
    if kind == b"-":
        raise RuntimeError(head.decode())
    if kind == b"$" and head != b"-1":
        end += int(head) + 2
        return end if end <= len(data) else -1
    if kind == b"*" and head != b"-1":
        for _ in range(int(head)):
            end = reply_end(data, end)
            if end < 0:
                return -1
    return end


class RedisLine:
    """One connection. `answered` is called once all replies of an `ask` have come, with the last."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self._received = b""
        self._due = 0
        self._answered: Callable[[bytes], None] = lambda _: None

    def ask(self, *commands: bytes, answered: Callable[[bytes], None]) -> None:
        """Send commands at once; only one such batch may be out at a time."""
        self._due, self._answered = len(commands), answered
        self.socket.sendall(b"".join(commands))

    def read(self) -> None:
        """Take what has arrived, and call `answered` once the last reply is whole."""
        self._received += self.socket.recv(RECEIVED_BYTES)
        while self._due:
            end = reply_end(self._received, 0)
            if end < 0:
                return
            last, self._received = self._received[:end], self._received[end:]
            self._due -= 1
            if not self._due:
                self._answered(last)


class RedisPair:
    """A sender and its recipient: the next message goes out once the last was read."""

    def __init__(self, loop: Loop, path: Path, number: int, took: list[float], text: str) -> None:
        self._sender = loop.add(RedisLine(path))
        self._recipient = loop.add(RedisLine(path))
        self._stream = f"to-{number}"
        self._took = took
        self._text = text
        self._open = 0  # of the answer to the sender and the message at the recipient
        self._sent_s = 0.0

    def begin(self) -> None:
        """Make the group, wait in it, send the first."""
        made = command("XGROUP", "CREATE", self._stream, "all", "0", "MKSTREAM")
        self._recipient.ask(made, answered=lambda _: self._wait())

    def _wait(self) -> None:
        self._look(None)
        self._send()

    def _look(self, read: str | None) -> None:
        waits = command(
            *("XREADGROUP", "GROUP", "all", "one", "COUNT", "16", "BLOCK", "20000"),
            *("STREAMS", self._stream, ">"),
        )
        seen = (command("XACK", self._stream, "all", read),) if read else ()
        self._recipient.ask(*seen, waits, answered=self._got)

    def _send(self) -> None:
        self._open, self._sent_s = 2, time.perf_counter()
        self._sender.ask(
            command("MULTI"),
            command("XADD", "log", "*", "line", LINE),
            command("XADD", self._stream, "*", "text", self._text),
            command("EXEC"),
            answered=lambda _: self._closed(),
        )

    def _got(self, reply: bytes) -> None:
        if reply == NOTHING:
            self._look(None)
            return
        self._took.append((time.perf_counter() - self._sent_s) * 1000)
        self._look(_id_of(reply))
        self._closed()

    def _closed(self) -> None:
        self._open -= 1
        if not self._open:
            self._send()


def _id_of(reply: bytes) -> str:
    """Return the id of the first entry: [[stream, [[id, [field, value]]]]]."""
    return reply.split(b"\r\n")[7].decode()
