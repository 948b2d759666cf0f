"""A test as the program of a task: it talks to agentd's tools over their socket, line by line."""

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fakes.agentd_process import Agentd, command, running
from tests.fakes.hub_for_agentd import HubForAgentd

ANSWER_S = 15.0
# Shows where the tools are, then works until the test lets it end.
PROGRAM = (
    'printf %s "$AGENTCTL_MCP_SOCKET" > tools.new; mv tools.new tools;'
    " while [ ! -e over ]; do sleep 0.02; done"
)


class Talk:
    """One connection to the tools. Answers are kept by id, in the order of their coming."""

    def __init__(self, path: str, agentd: Agentd) -> None:
        self.agentd = agentd
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self._came: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._kept: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError), self.socket.makefile("rb") as lines:
            for line in lines:
                self._came.put(json.loads(line))
        self._came.put(None)

    def say(self, line: bytes | dict[str, Any]) -> None:
        """Send one line."""
        raw = line if isinstance(line, bytes) else json.dumps(line).encode()
        self.socket.sendall(raw + b"\n")

    def hang_up(self) -> None:
        """End the connection from this side."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def start(self, tool: str, number: Any = 1, **arguments: Any) -> None:
        """Call a tool and don't wait for it."""
        params = {"name": tool, "arguments": arguments}
        self.say({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})

    def cancel(self, number: Any) -> None:
        """Say that nobody wants an answer any more."""
        params = {"requestId": number}
        self.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def next(self, *, within_s: float = ANSWER_S) -> dict[str, Any] | None:
        """Return the next line of the server; None when it hung up. queue.Empty when none comes."""
        return self._came.get(timeout=within_s)

    def heard(self) -> bool:
        """Whether a line of the server waits to be read."""
        return not self._came.empty()

    def answer(self, number: Any = 1, *, within_s: float = ANSWER_S) -> dict[str, Any]:
        """Return the answer with that id; others are kept for later."""
        while True:
            for each in self._kept:
                if each.get("id") == number and type(each.get("id")) is type(number):
                    self._kept.remove(each)
                    return each
            came = self.next(within_s=within_s)
            assert came is not None, "the server hung up"
            self._kept.append(came)

    def call(
        self, tool: str, number: Any = 1, *, within_s: float = ANSWER_S, **arguments: Any
    ) -> tuple[bool, str]:
        """Call a tool; return whether it failed, and its words."""
        self.start(tool, number, **arguments)
        return words(self.answer(number, within_s=within_s))

    def told(self, tool: str, **arguments: Any) -> str:
        """Call a tool that succeeds; return its words."""
        failed, said = self.call(tool, **arguments)
        assert not failed, said
        return said

    def refused(self, tool: str, **arguments: Any) -> str:
        """Call a tool that fails; return its words."""
        failed, said = self.call(tool, **arguments)
        assert failed, said
        return said


def words(answer: dict[str, Any]) -> tuple[bool, str]:
    """Return whether a tool failed, and its words."""
    assert "result" in answer, answer
    return answer["result"]["isError"], str(answer["result"]["content"][0]["text"])


@contextlib.contextmanager
def talking(hub: HubForAgentd, folder: Path, **changes: Any) -> Iterator[Talk]:
    """Run agentd with a task of which the test is the program; keywords change the boot document."""
    workspace = folder / "workspace"
    for name in ("tools", "over"):
        (workspace / name).unlink(missing_ok=True)
    with running(hub, folder, executor=command("sh", "-c", PROGRAM), **changes) as agentd:
        hub.give()
        hub.wait_for(lambda: (workspace / "tools").exists())
        talk = Talk((workspace / "tools").read_text(), agentd)
        try:
            yield talk
        finally:
            talk.hang_up()
