"""The hub as agentd calls it: polls and messages under an SVID, with one renewal on 401."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from agentd.door import Answer, DoorClosed, Line
from agentd.hub_errors import HubAway, from_answer
from agentd.identity import Identity
from agentd.strict_json import dumps

_MESSAGES = "/api/hub/messages"
_COLLEAGUES = "/api/hub/colleagues"
_ARTIFACTS = "/api/hub/artifacts"
_JSON = "application/json"
_BYTES = "application/octet-stream"
_SEND_TIMEOUT_S = 15.0
_POLL_SLACK_S = 15.0  # a hub that holds a poll this much longer than asked is hung

Hold = tuple[str, int]  # task id, attempt


class Hub:
    """One thread's way to the hub. Interrupted passes through from its line."""

    def __init__(self, line: Line, identity: Identity) -> None:
        self._line = line
        self._identity = identity

    def poll(
        self, *, wait_s: float, slots: int, holds: Iterable[Hold], seen: str = "", mail: int = 0
    ) -> list[dict[str, Any]]:
        """Say what is held and how many slots are free; return the hub's messages, often none.

        With `mail` up to that many of other agents' messages come too; `seen` is the last of
        them that was handled. HubAway when there was no usable answer, HubRefused on a final 4xx.
        """
        query = [("wait", f"{wait_s:g}"), ("slots", str(slots))]
        query += _holds(holds)
        query += [("seen", seen)] if seen else []
        query += [("mail", str(mail))] if mail else []
        answer = self._call(
            "GET", f"{_MESSAGES}?{urlencode(query)}", None, timeout_s=wait_s + _POLL_SLACK_S
        )
        messages = answer.body.get("messages")
        if not isinstance(messages, list):
            raise HubAway("a poll's answer holds no messages")
        return [each for each in messages if isinstance(each, dict)]

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message; return the answer's body. The same id may be sent again and again."""
        return self._call("POST", _MESSAGES, dumps(message), timeout_s=_SEND_TIMEOUT_S).body

    def settle(
        self, result: dict[str, Any], *, slots: int, holds: Iterable[Hold]
    ) -> dict[str, Any]:
        """Send a task's result as `send` does; its answer may bring assignments, as `messages`.

        They are for the slots that are free after it; `holds` is what is held beside it.
        """
        query = urlencode([("slots", str(slots)), *_holds(holds)])
        target = f"{_MESSAGES}?{query}"
        return self._call("POST", target, dumps(result), timeout_s=_SEND_TIMEOUT_S).body

    def colleagues(self) -> list[dict[str, Any]]:
        """Return the agents that this one may write to or give work, as the hub describes them."""
        answer = self._call("GET", _COLLEAGUES, None, timeout_s=_SEND_TIMEOUT_S)
        found = answer.body.get("agents")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def put_part(
        self, sha256: str, *, task: str, attempt: int, size: int, offset: int, part: bytes
    ) -> bool:
        """Send a part of a file; return whether the hub has all of it. The same part may be sent again."""
        asked = {"task": task, "attempt": attempt, "size": size, "offset": offset}
        target = f"{_ARTIFACTS}/{sha256}?{urlencode(asked)}"
        answer = self._call("PUT", target, part, timeout_s=_SEND_TIMEOUT_S, kind=_BYTES)
        return answer.body.get("complete") is True

    def hang_up(self) -> None:
        """End the call in progress with Interrupted."""
        self._line.hang_up()

    def rearm(self) -> None:
        """Take calls again after a hang-up."""
        self._line.rearm()

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        self._line.close()

    def _call(
        self, method: str, target: str, body: bytes | None, *, timeout_s: float, kind: str = _JSON
    ) -> Answer:
        token = self._identity.bearer()
        answer = self._with(token, method, target, body, timeout_s, kind)
        if answer.status == 401:
            self._identity.renounce(token)
            answer = self._with(self._identity.bearer(), method, target, body, timeout_s, kind)
        if answer.status != 200:
            raise from_answer(answer)
        return answer

    def _with(
        self, token: str, method: str, target: str, body: bytes | None, timeout_s: float, kind: str
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = kind
        try:
            return self._line.call(method, target, headers=headers, body=body, timeout_s=timeout_s)
        except DoorClosed as cause:
            raise HubAway(str(cause)) from cause


def _holds(holds: Iterable[Hold]) -> list[tuple[str, str]]:
    return [("holds", f"{task}:{attempt}") for task, attempt in holds]
