"""What each tool does: one message to the hub, or a look into the inbox, in words for the model."""

import itertools
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from agentd.assignment import Assignment
from agentd.door import Interrupted
from agentd.hub import Hub
from agentd.hub_errors import HubAway, HubRefused
from agentd.inbox import Inbox
from agentd.mail import Mail
from agentd.mcp.arguments import Arguments, BadArguments
from agentd.mcp.marked import NOTHING, shown

TRIES = 5  # of one message while the hub is away or says later: some ten seconds
AWAY_S = 2.0  # between tries, when the hub says nothing else
WAITED_FOR_S_MAX = 10.0  # what the hub may ask us to wait before the next try
TURN_S = 20.0  # of a wait: after each it is looked whether anybody still wants the answer
REQUEST_S = 60.0


_TO = {"agent": "agent", "reply_to": "message", "topic": "topic"}


class Ended(Exception):
    """Nobody wants the answer any more: the call was cancelled, or its task is over."""


class Refusal(Exception):
    """What can't be done, in words for the model."""


class Calls:
    """The tools of one task. Calls may come from several threads."""

    def __init__(
        self,
        job: Assignment,
        *,
        inbox: Inbox,
        new_hub: Callable[[], Hub],
        note: Callable[[str], None],
        over: threading.Event,
    ) -> None:
        self._job = job
        self._inbox = inbox
        self._new_hub = new_hub
        self._note = note
        self._over = over
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)  # ids of this run aren't those of an earlier agentd
        self.tools: dict[str, Callable[[Arguments, threading.Event], str]] = {
            "send_message": self._send_message,
            "ask_agent": self._ask_agent,
            "check_inbox": self._check_inbox,
            "list_agents": self._list_agents,
            "delegate_task": self._delegate_task,
            "report_progress": self._report_progress,
        }

    def call(self, tool: str, given: Any, stop: threading.Event) -> str:
        """Do what a tool does; return words for the model.

        Raises BadArguments, Refusal, or Ended once `stop` is set or the task is over.
        """
        arguments = Arguments(tool, given)
        try:
            return self.tools[tool](arguments, stop)
        except HubRefused as why:
            raise Refusal(_words(why)) from None
        except Interrupted:
            raise Ended from None

    def _send_message(self, given: Arguments, stop: threading.Event) -> str:
        way = given.one_of("agent", "reply_to", "topic", "broadcast")
        to = given.get(way) if way == "broadcast" else {_TO[way]: given.get(way)}
        kind = {"agent": "request", "reply_to": "reply", "topic": "event"}.get(way, "broadcast")
        answer = self._send({"type": kind, "to": to, **_said(given)}, stop)
        count = answer.get("recipients", 1)
        return f"Sent as {answer.get('message')}, to {count} recipient{'s' * (count != 1)}."

    def _ask_agent(self, given: Arguments, stop: threading.Event) -> str:
        timeout_s = float(given.get("timeout_s", REQUEST_S))
        message = {
            "type": "request",
            "to": {"agent": given.get("agent")},
            "timeout_s": timeout_s,
            **_said(given),
        }
        asked = str(self._send(message, stop).get("message"))
        found = self._await(lambda mail: mail.answers == asked, timeout_s, stop)
        if found is None:
            raise Refusal(
                f"no reply within {timeout_s:g} s. A later one comes to your inbox no more:"
                " ask again, or delegate the work."
            )
        return shown([found])

    def _check_inbox(self, given: Arguments, stop: threading.Event) -> str:
        wait_s = float(given.get("wait_s", 0.0))
        found = self._inbox.take()
        deadline_s = time.monotonic() + wait_s
        while not found:
            left_s = max(0.0, deadline_s - time.monotonic())
            self._look(left_s, stop)
            found = self._inbox.take()
            if not left_s:
                break
        return shown(found) if found else NOTHING

    def _list_agents(self, _given: Arguments, stop: threading.Event) -> str:
        rows = self._try(lambda hub: hub.colleagues(), stop)
        if not rows:
            return "There is nobody that you may message or give tasks to."
        return "\n".join(_colleague(each) for each in rows)

    def _delegate_task(self, given: Arguments, stop: threading.Event) -> str:
        fields = ("prompt", "agent", "capabilities", "labels", "ephemeral", "budget")
        payload = given.only(*fields, "output_schema")
        if "task_timeout_s" in given:
            payload["timeout_s"] = given.get("task_timeout_s")
        answer = self._send({"type": "delegate", "payload": payload}, stop)
        task, state = str(answer.get("task")), answer.get("state")
        wait_s = float(given.get("wait_s", 600.0))
        found = self._await(lambda mail: mail.task == task, wait_s, stop) if wait_s else None
        if found is not None:
            return shown([found])
        held = " Nobody may take it now; it waits." if state == "held" else ""
        return f"{task} is {state}.{held} Its result comes to your inbox: see check_inbox."

    def _report_progress(self, given: Arguments, _stop: threading.Event) -> str:
        self._note(str(given.get("note")))
        return "Reported."

    def _await(
        self, wanted: Callable[[Mail], bool], wait_s: float, stop: threading.Event
    ) -> Mail | None:
        """Return the message that is wanted, None when it doesn't come in time."""
        deadline_s = time.monotonic() + wait_s
        while (found := self._inbox.first(wanted)) is None:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return None
            self._look(left_s, stop)
        return found

    def _look(self, wait_s: float, stop: threading.Event) -> None:
        """Let the inbox look once, for a turn at most; a hub that is away is waited for within it."""
        if stop.is_set() or self._over.is_set():
            raise Ended
        try:
            self._inbox.await_new(self._job.hold, wait_s=min(wait_s, TURN_S))
        except HubAway as away:
            if not wait_s:
                raise Refusal("the hub is away; try again in a moment") from None
            stop.wait(min(wait_s, _pause_s(away)))

    def _send(self, message: dict[str, Any], stop: threading.Event) -> dict[str, Any]:
        """Send a message under this task's attempt; its id stays the same over all tries."""
        whole = {
            "id": f"{self._job.task}.{self._job.attempt}.{self._run}-{next(self._numbers)}",
            "task": self._job.task,
            "attempt": self._job.attempt,
            **message,
        }
        answer: dict[str, Any] = self._try(lambda hub: hub.send(whole), stop)
        return answer

    def _try(self, ask: Callable[[Hub], Any], stop: threading.Event) -> Any:
        hub = self._new_hub()
        for left in range(TRIES, 0, -1):
            if stop.is_set() or self._over.is_set():
                raise Ended
            try:
                return ask(hub)
            except HubAway as away:
                if left == 1:
                    raise Refusal(f"the hub can't take it now ({away}); try again later") from None
                stop.wait(_pause_s(away))
        raise AssertionError("unreachable")


def _said(given: Arguments) -> dict[str, Any]:
    """Return kind and payload: plain text unless a payload is given."""
    which = given.one_of("text", "payload")
    if which == "text":
        if "kind" in given and given.get("kind") != "text":
            raise BadArguments("with a kind give its payload, not text")
        return {"payload": {"text": given.get("text")}}
    kind = {"kind": given.get("kind")} if "kind" in given else {}
    return {**kind, "payload": given.get("payload")}


def _pause_s(away: HubAway) -> float:
    wanted = AWAY_S if away.retry_after_s is None else away.retry_after_s
    return min(max(wanted, 0.1), WAITED_FOR_S_MAX)


def _words(why: HubRefused) -> str:
    if why.status == 409:
        return f"this can't be done any more: {why.detail}"
    checked = f" by its check of {why.check}" if why.check else ""
    hint = f" {why.hint}" if why.hint else ""
    return f"the hub refused it{checked}: {why.detail}.{hint}"


_ACTS = {"request": "ask it", "delegate": "delegate to it"}


def _colleague(row: dict[str, Any]) -> str:
    may = ", ".join(_ACTS.get(str(each), str(each)) for each in row.get("may", ()))
    said = f"{row.get('name')}: can do {', '.join(row.get('capabilities', ())) or 'anything plain'}"
    labels = ", ".join(f"{key}={value}" for key, value in dict(row.get("labels", {})).items())
    topics = ", ".join(row.get("topics", ()))
    extra = [
        f"you may {may}",
        f"labels {labels}" if labels else "",
        f"hears {topics}" if topics else "",
    ]
    return f"{said}; {'; '.join(each for each in extra if each)}"
