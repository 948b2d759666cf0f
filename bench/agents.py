"""Simulated agents: each polls, and does what it is given at once: accepted, completed, the next poll."""

import json
from collections.abc import Callable
from typing import Any

from agentctl.paths import StatePaths
from bench.wire import Line, Loop, request

MESSAGES = "/api/hub/messages"
WAIT_S = 20  # as agentd polls
BRINGS = "?slots=1"  # of a result: its answer may hold the next task, as with agentd


class Agent:
    """One of them, on one connection. `got` is told each assignment, `settled` each task's end."""

    def __init__(
        self,
        loop: Loop,
        paths: StatePaths,
        svid: str,
        *,
        got: Callable[[str], None],
        settled: Callable[[], None],
    ) -> None:
        self._line: Line = loop.line(paths.hub_socket)
        self._svid = svid
        self._got = got
        self._settled = settled
        self._poll = request("GET", f"{MESSAGES}?wait={WAIT_S}&slots=1", token=svid)

    def poll(self) -> None:
        self._line.ask(self._poll, self._polled)

    def _polled(self, status: int, body: bytes) -> None:
        assert status == 200, (status, body[:500])
        self._next(json.loads(body)["messages"])

    def _next(self, messages: list[dict[str, Any]]) -> None:
        given = [each for each in messages if each["type"] == "task.assigned"]
        if not given:
            self.poll()
            return
        self._got(given[0]["payload"]["prompt"])
        self._accept(given[0])

    def _accept(self, given: dict[str, Any]) -> None:
        def accepted(status: int, body: bytes) -> None:
            assert status == 200, (status, body[:500])
            self._complete(given)

        self._line.ask(self._message(given, "accepted", {}), accepted)

    def _complete(self, given: dict[str, Any]) -> None:
        def completed(status: int, body: bytes) -> None:
            assert status == 200, (status, body[:500])
            self._settled()
            self._next(json.loads(body).get("messages", []))

        payload = {"text": "done", "duration_s": 0.1}
        self._line.ask(self._message(given, "completed", payload, BRINGS), completed)

    def _message(
        self, given: dict[str, Any], kind: str, payload: dict[str, Any], query: str = ""
    ) -> bytes:
        about = {"task": given["task"], "attempt": given["attempt"]}
        name = f"{given['task']}.{given['attempt']}.{kind}"
        message = {"id": name, "type": f"task.{kind}", **about, "payload": payload}
        return request("POST", MESSAGES + query, token=self._svid, body=message)


class Heart:
    """An agent's second connection: the heartbeat of one that holds nothing."""

    def __init__(self, loop: Loop, paths: StatePaths, svid: str) -> None:
        self._line = loop.line(paths.hub_socket)
        self._svid = svid
        self._count = 0

    def beat(self) -> None:
        self._count += 1
        body = {"id": f"beat.{self._count}", "type": "agent.heartbeat", "payload": {"holds": []}}
        self._line.ask(request("POST", MESSAGES, token=self._svid, body=body), _fine)


def _fine(status: int, body: bytes) -> None:
    assert status == 200, (status, body[:500])
