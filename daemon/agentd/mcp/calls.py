"""What each tool does: one message to the hub, or a look into the inbox, in words for the model."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from agentd.assignment import Assignment
from agentd.hub import Hub
from agentd.inbox import Awaited, Inbox
from agentd.known_secrets import KnownSecrets
from agentd.mail import Mail, View
from agentd.mcp import waiting
from agentd.mcp.arguments import Arguments, BadArguments
from agentd.mcp.cancellation import Cancellation, Ended
from agentd.mcp.colleagues import listed
from agentd.mcp.marked import WORDS, part, shown
from agentd.mcp.refusal import Refusal, Unheard
from agentd.mcp.sending import Sender
from agentd.pace import Pace

REQUEST_S = 60.0
CALLS_AT_ONCE = 8  # of a task, over all its connections; the model rarely makes three
# The hub takes 100 requests a second of a container, and drops heartbeats with the rest beyond that.
CALLS_EVERY_S = 0.1
CALLS_BURST = 40
NOTES_EVERY_S = 10.0  # for people who watch: faster, nobody reads them
NOTES_BURST = 5

_TO = {"agent": "agent", "reply_to": "message", "topic": "topic"}

T = TypeVar("T")
Tool = Callable[[Arguments, Cancellation], str]


class Calls:
    """The tools of one task. Calls may come from several threads."""

    def __init__(
        self,
        job: Assignment,
        *,
        inbox: Inbox,
        new_hub: Callable[[], Hub],
        note: Callable[[str], None],
        known: KnownSecrets,
    ) -> None:
        self._job = job
        self._inbox = inbox
        self._note = note
        self._known = known
        self._sender = Sender(job, new_hub)
        self._lock = threading.Lock()
        self._running: set[Cancellation] = set()
        self._over = False
        self._calls_pace = Pace(every_s=CALLS_EVERY_S, burst=CALLS_BURST)
        self._notes_pace = Pace(every_s=NOTES_EVERY_S, burst=NOTES_BURST)
        self.tools: dict[str, Tool] = {
            "send_message": self._send_message,
            "ask_agent": self._ask_agent,
            "check_inbox": self._check_inbox,
            "list_agents": self._list_agents,
            "delegate_task": self._delegate_task,
            "report_progress": self._report_progress,
        }

    def call(self, tool: str, given: Any, cancellation: Cancellation) -> str:
        """Do what a tool does; return words for the model.

        Raises BadArguments, Refusal, or Ended once the call is cancelled.
        """
        wait_s = self._calls_pace.wait_s()
        if wait_s:
            raise Refusal(f"too many calls one after another; wait {_seconds(wait_s)}")
        arguments = Arguments(tool, given)
        self._screen(given)
        with self._counted(cancellation) as inner:
            try:
                return self.tools[tool](arguments, inner)
            except Ended:
                if self._over:
                    raise Refusal("the task has ended") from None
                raise  # by the client, which wants no answer

    def _screen(self, given: Any) -> None:
        """Refuse what holds a secret: nothing of it goes on, and the model is told which, not where."""
        name = self._known.found_in(given)
        if name:
            raise Refusal(f"this holds {name}, which never leaves the container: say it without")

    def end(self) -> None:
        """End every call, those that run and those to come: the task is over."""
        with self._lock:
            self._over = True
            running = tuple(self._running)
        for each in running:
            each.ask()

    @contextmanager
    def _counted(self, cancellation: Cancellation) -> Iterator[Cancellation]:
        """Run a call under a cancellation of its own, asked by the client's or by the task's end."""
        inner = Cancellation()
        with self._lock:
            if len(self._running) >= CALLS_AT_ONCE:
                raise Refusal(f"at most {CALLS_AT_ONCE} calls at once; wait for one of them")
            self._running.add(inner)
            over = self._over
        cancellation.listen(inner.ask)
        if over:
            inner.ask()
        try:
            yield inner
        finally:
            with self._lock:
                self._running.discard(inner)

    def _send_message(self, given: Arguments, cancellation: Cancellation) -> str:
        way = given.one_of("agent", "reply_to", "topic", "broadcast")
        to = given.get(way) if way == "broadcast" else {_TO[way]: given.get(way)}
        kind = {"agent": "request", "reply_to": "reply", "topic": "event"}.get(way, "broadcast")
        answer = self._sender.send({"type": kind, "to": to, **_said(given)}, cancellation)
        count = answer.get("recipients", 1)
        return f"Sent as {answer.get('message')}, to {count} recipient{'s' * (count != 1)}."

    def _ask_agent(self, given: Arguments, cancellation: Cancellation) -> str:
        timeout_s = float(given.get("timeout_s", REQUEST_S))
        message = {
            "type": "request",
            "to": {"agent": given.get("agent")},
            "timeout_s": timeout_s,
            **_said(given),
        }
        with self._inbox.awaiting("reply") as reply:
            reply.about = str(self._sender.send(message, cancellation).get("message"))
            none = f"no reply within {timeout_s:g} s"
            try:
                found = self._await(reply, timeout_s, cancellation)
            except Unheard as why:
                raise Refusal(f"{none}, but {why}: see check_inbox.") from None
        if found is None:
            raise Refusal(
                f"{none}. One that was on its way comes to your inbox (check_inbox); later ones"
                " aren't taken: ask again, or delegate the work."
            )
        return shown(View(mails=(found,)))

    def _check_inbox(self, given: Arguments, cancellation: Cancellation) -> str:
        if "message" in given:
            return self._a_part(str(given.get("message")), given.get("part", 1))
        wait_s = float(given.get("wait_s", 0.0))
        found = self._until(self._some, wait_s, cancellation) or View(mails=())
        if cancellation.is_asked():
            self._unread_again(found)
            raise Ended
        return shown(found)

    def _some(self) -> View | None:
        view = self._inbox.take()
        return view if view.mails else None

    def _a_part(self, message: str, number: int) -> str:
        mail = self._inbox.long(message)
        if mail is None:
            raise Refusal(
                f"{message[:60]!r} is no long message that you read of late; call check_inbox"
                " without message for what is new"
            )
        if number > mail.parts:
            raise Refusal(f"{mail.id} has {mail.parts} parts")
        return f"{WORDS}\n\n{part(mail, number)}"

    def _unread_again(self, view: View) -> None:
        """Leave for the next look what was taken for a cancelled one; not for another task."""
        with self._lock:
            if not self._over:
                self._inbox.put_back(view)

    def _list_agents(self, given: Arguments, cancellation: Cancellation) -> str:
        rows = self._sender.ask(lambda hub: hub.colleagues(), cancellation)
        return listed(rows, after=str(given.get("after", "")))

    def _delegate_task(self, given: Arguments, cancellation: Cancellation) -> str:
        fields = ("prompt", "agent", "capabilities", "labels", "ephemeral", "budget")
        payload = given.only(*fields, "output_schema")
        if "task_timeout_s" in given:
            payload["timeout_s"] = given.get("task_timeout_s")
        unheard = ""
        with self._inbox.awaiting("delegated") as result:
            answer = self._sender.send({"type": "delegate", "payload": payload}, cancellation)
            task, state = str(answer.get("task")), answer.get("state")
            result.about = task
            wait_s = float(given.get("wait_s", 600.0))
            try:
                found = self._await(result, wait_s, cancellation) if wait_s else None
            except Unheard as why:
                found, unheard = None, f" Waiting for it broke off: {why}."
        if found is not None:
            return shown(View(mails=(found,)))
        held = " Nobody may take it now; it waits." if state == "held" else ""
        return f"{task} is {state}.{held}{unheard} Its result comes to your inbox: see check_inbox."

    def _report_progress(self, given: Arguments, _cancellation: Cancellation) -> str:
        wait_s = self._notes_pace.wait_s()
        if wait_s:
            raise Refusal(f"not reported: notes come too fast; wait {_seconds(wait_s)}")
        self._note(str(given.get("note")))
        return "Reported."

    def _await(self, wanted: Awaited, wait_s: float, cancellation: Cancellation) -> Mail | None:
        return self._until(lambda: self._inbox.first(wanted), wait_s, cancellation)

    def _until(
        self, find: Callable[[], T | None], wait_s: float, cancellation: Cancellation
    ) -> T | None:
        return waiting.until(
            find,
            inbox=self._inbox,
            hold=self._job.hold,
            wait_s=wait_s,
            cancellation=cancellation,
        )


def _seconds(wait_s: float) -> str:
    return f"{wait_s:.1f} s"


def _said(given: Arguments) -> dict[str, Any]:
    """Return kind and payload: plain text unless a payload is given."""
    which = given.one_of("text", "payload")
    if which == "text":
        if "kind" in given and given.get("kind") != "text":
            raise BadArguments("with a kind give its payload, not text")
        return {"payload": {"text": given.get("text")}}
    kind = {"kind": given.get("kind")} if "kind" in given else {}
    return {**kind, "payload": given.get("payload")}
