"""Sends a result's files before the result, each by its digest; what can't be sent is left out and said."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from agentd import artifacts, log
from agentd.hub_errors import HubRefused

PART_BYTES = 192 * 1024  # the hub takes bodies of 256 KiB
STALE = 409  # the attempt isn't ours any more: neither is its result

Message = dict[str, Any]
Hold = tuple[str, int]
Room = Callable[[Hold], tuple[int, tuple[Hold, ...]]]


class Way(Protocol):
    """The way to the hub, as this needs it."""

    def settle(self, result: Message, *, slots: int, holds: Iterable[Hold]) -> Message: ...

    def put_part(
        self, sha256: str, *, task: str, attempt: int, size: int, offset: int, part: bytes
    ) -> bool: ...


class Outbox:
    """Sends results, first the files that they name.

    The same message may be sent again and again: what of its files has arrived, and what was
    refused, is decided once, so that the result stays the same.
    """

    def __init__(self, hub: Way, workspace: Path, *, room: Room = lambda _: (0, ())) -> None:
        """`room` says which slots are free, and what is held, once an attempt's result is settled."""
        self._hub = hub
        self._workspace = workspace
        self._room = room
        self._decided: tuple[str, dict[str, str]] = ("", {})  # message id, digest → why not, or ""

    def send(self, message: Message) -> Message:
        """Send a result; return the hub's answer. Raises HubAway (send it again) and HubRefused."""
        named = message["payload"].get("artifacts")
        whole = self._with_files(message, named) if named else message
        slots, holds = self._room((message["task"], message["attempt"]))
        return self._hub.settle(whole, slots=slots, holds=holds)

    def _with_files(self, message: Message, named: list[dict[str, Any]]) -> Message:
        if self._decided[0] != message["id"]:
            self._decided = (message["id"], {})
        decided = self._decided[1]
        for each in named:
            if each["sha256"] not in decided:
                decided[each["sha256"]] = self._sent(message, each)
        arrived = [each for each in named if not decided[each["sha256"]]]
        lost = [
            f"{each['name']}: {decided[each['sha256']]}"
            for each in named
            if decided[each["sha256"]]
        ]
        note = "; ".join([*filter(None, [message["payload"].get("artifacts_note")]), *lost])
        payload = {**message["payload"], "artifacts": arrived}
        if note:
            payload["artifacts_note"] = note[: artifacts.NOTE_CHARS_MAX]
        return {**message, "payload": payload}

    def _sent(self, message: Message, named: dict[str, Any]) -> str:
        """Send a file; return why it isn't, "" when it is."""
        try:
            with artifacts.opened(self._workspace, named["name"]) as file:
                self._send_parts(message, named, file.read)
        except OSError as cause:
            return f"can't be read: {cause.strerror}"
        except HubRefused as refused:
            if refused.status == STALE:
                raise
            log.warning("artifact.refused", status=refused.status, why=refused.detail)
            return refused.detail or f"refused with {refused.status}"
        return ""

    def _send_parts(
        self, message: Message, named: dict[str, Any], read: Callable[[int], bytes]
    ) -> None:
        offset = 0
        while True:
            part = read(min(PART_BYTES, named["size"] - offset))
            if not part and offset < named["size"]:
                raise OSError(0, "it is shorter than it was")
            whole = self._hub.put_part(
                named["sha256"],
                task=message["task"],
                attempt=message["attempt"],
                size=named["size"],
                offset=offset,
                part=part,
            )
            offset += len(part)
            if whole or offset >= named["size"]:
                return
