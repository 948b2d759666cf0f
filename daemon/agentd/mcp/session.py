"""One connection of the CLI: its requests answered in their order of finishing, calls of tools side by side."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

from agentd import log
from agentd.clock import boot_s
from agentd.lines import Lines
from agentd.mcp import eras, rpc
from agentd.mcp.arguments import BadArguments
from agentd.mcp.calls import Calls
from agentd.mcp.cancellation import Cancellation, Ended
from agentd.mcp.refusal import Refusal
from agentd.mcp.rpc import Message, RpcError
from agentd.mcp.tools import NAMES, TOOLS

CALLS_MAX = 16  # threads of one connection; how many calls of a task may run is the tools' to say
ENDING_S = 1.0  # for calls that were told to end to say so
READS_WITHIN_S = 30.0  # one line in all: who reads slower holds threads of ours, and gets no more
STILL_S = 10.0  # between two words that a long call is still going on
_CHUNK_BYTES = 1 << 16


class Session:
    """Reads lines until the other side ends."""

    def __init__(
        self, connection: socket.socket, calls: Calls, *, reads_within_s: float = READS_WITHIN_S
    ) -> None:
        self._connection = connection
        self._reads_within_s = reads_within_s
        self._tools = calls
        self._writing = threading.Lock()
        self._lines = Lines(bytes_max=rpc.LINE_BYTES_MAX)
        self._changed = threading.Condition()
        self._threads = 0
        self._calls: dict[rpc.Id, Cancellation] = {}

    def run(self) -> None:
        """Serve until the connection ends; then every call is told to."""
        try:
            while chunk := self._connection.recv(_CHUNK_BYTES):
                for line in self._lines.feed(chunk):
                    if line.strip():
                        self._line(line)
        except OSError:
            return
        finally:
            self._end_calls()
            self._connection.close()

    def _end_calls(self) -> None:
        with self._changed:
            for each in list(self._calls.values()):
                each.ask()
            self._changed.wait_for(lambda: not self._threads, timeout=ENDING_S)

    def _line(self, line: bytes) -> None:
        message: Message | None = None
        try:
            message = rpc.parse(line)
            if message is not None:
                self._take(message)
        except RpcError as why:
            self._error(message, why)
        except Exception as cause:  # noqa: BLE001 what a task's program says must not end agentd
            log.error("mcp.defect", where=log.where(cause))
            self._error(message, RpcError(rpc.INTERNAL_ERROR, "agentd failed to take it"))

    def _error(self, message: Message | None, why: RpcError) -> None:
        if message is None or message.id is not None:
            self._write(rpc.error(message.id if message else None, why))

    def _take(self, message: Message) -> None:
        if message.id is None:
            if message.method == "notifications/cancelled":
                self._cancel(message.params.get("requestId"))
            return
        modern = eras.is_modern(message)
        answer = _ANSWERS.get(message.method)
        if answer is not None:
            body = answer(message)
            self._write(rpc.result(message.id, eras.complete(body, kept=True) if modern else body))
        elif message.method == "tools/call":
            self._start(message, modern=modern)
        else:
            raise RpcError(rpc.METHOD_NOT_FOUND, "there is no such method")

    def _cancel(self, number: Any) -> None:
        is_id = isinstance(number, str | int) and not isinstance(number, bool)
        cancellation = self._calls.get(number) if is_id else None
        if cancellation is not None:
            cancellation.ask()

    def _start(self, message: Message, *, modern: bool) -> None:
        assert message.id is not None
        name = message.params.get("name")
        if not isinstance(name, str) or name not in NAMES:
            raise RpcError(rpc.INVALID_PARAMS, f"there is no tool {str(name)[:60]!r}")
        if message.id in self._calls:
            raise RpcError(rpc.INVALID_REQUEST, "this id is in use")
        if self._threads >= CALLS_MAX:
            self._answer(message.id, f"at most {CALLS_MAX} calls at once", modern, failed=True)
            return
        cancellation = self._calls[message.id] = Cancellation()
        with self._changed:
            self._threads += 1
        threading.Thread(
            target=self._call,
            args=(message, name, cancellation, modern),
            name=f"tool-{name}",
            daemon=True,
        ).start()

    def _call(self, message: Message, name: str, cancellation: Cancellation, modern: bool) -> None:
        assert message.id is not None
        done = threading.Event()
        self._keep_telling(message, done)
        try:
            given = message.params.get("arguments", {})
            words, failed = self._tools.call(name, given, cancellation), False
        except (BadArguments, Refusal) as why:
            words, failed = str(why), True
        except Ended:
            words, failed = "", True  # a cancelled request gets no answer
        except Exception as cause:  # noqa: BLE001 a defect here must not take the other tools along
            log.error("tool.defect", tool=name, where=log.where(cause))
            words, failed = "agentd failed to do it", True
        finally:
            done.set()
            self._calls.pop(message.id, None)  # its id may come again once it is answered
        if words:
            self._answer(message.id, words, modern, failed=failed)
        with self._changed:
            self._threads -= 1
            self._changed.notify_all()

    def _keep_telling(self, message: Message, done: threading.Event) -> None:
        """Send a word now and then to a client that asked to be told that the call goes on."""
        meta = message.params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        if isinstance(token, bool) or not isinstance(token, str | int):
            return

        def tell() -> None:
            told = 0
            while not done.wait(STILL_S):
                told += 1
                params = {"progressToken": token, "progress": told, "message": "still waiting"}
                self._write(rpc.notification("notifications/progress", params))

        threading.Thread(target=tell, name="still", daemon=True).start()

    def _answer(self, to: rpc.Id, words: str, modern: bool, *, failed: bool) -> None:
        body: dict[str, Any] = {"content": [{"type": "text", "text": words}], "isError": failed}
        self._write(rpc.result(to, eras.complete(body) if modern else body))

    def _write(self, line: bytes) -> None:
        try:
            with self._writing:
                send(self._connection, line, within_s=self._reads_within_s)
        except TimeoutError:
            log.warning("mcp.unread", seconds=self._reads_within_s)
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)  # ends the reading side, and who waits
        except OSError:
            return  # it has gone; the reading side ends the session


def send(connection: socket.socket, line: bytes, *, within_s: float) -> None:
    """Send all of a line. Raises TimeoutError when the other side hasn't taken it by then, OSError.

    The socket's own timeout is its reader's, too, which may wait for hours.
    """
    left, until_s = memoryview(line), boot_s() + within_s
    ready = select.poll()
    ready.register(connection, select.POLLOUT)
    while left:
        try:
            left = left[connection.send(left, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            rest_s = until_s - boot_s()
            if rest_s <= 0 or not ready.poll(rest_s * 1000):
                raise TimeoutError("the other side doesn't read") from None


_ANSWERS: dict[str, Callable[[Message], dict[str, Any]]] = {
    "server/discover": lambda _: eras.discovered(),
    "initialize": eras.initialized,
    "ping": lambda _: {},
    "tools/list": lambda _: {"tools": list(TOOLS)},
}
