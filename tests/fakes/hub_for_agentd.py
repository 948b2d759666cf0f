"""A hub for agentd alone: the agent wire on a Unix socket, level-triggered, with faults on demand.

Every request and every answer of its own is checked against schemas/wire; what
doesn't hold is kept in `violations`, which each test expects to be empty.
"""

import json
import socket
import socketserver
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

WIRE = Path(__file__).parents[2] / "schemas" / "wire"
INSTANCE = "inst-01j0000000000000000000000a"
INSTANCE_TOKEN = f"it1.{INSTANCE}.{'I' * 43}"
MODEL_TOKEN_MARK = "mt1."
WAIT_S = 15.0
GONE_S = 0.05  # between two looks whether a poll's asker is still there, as the real hub has it
TALK = frozenset({"request", "reply", "event", "broadcast"})


def _registry() -> Registry[Any]:
    docs = [json.loads(path.read_text()) for path in sorted(WIRE.glob("*.schema.json"))]
    return Registry().with_resources([(doc["$id"], Resource.from_contents(doc)) for doc in docs])


_REGISTRY = _registry()


def violations(name: str, document: Any) -> list[str]:
    """Return what of `document` doesn't meet the wire schema `name`."""
    schema = {"$ref": f"urn:agentctl:schema:wire:{name}"}
    found = Draft202012Validator(schema, registry=_REGISTRY).iter_errors(document)
    return [f"{name}: {each.json_path}: {each.message[:300]}" for each in found]


def task_id(number: int) -> str:
    """Return the id of the n-th task of a test."""
    return f"task-{number:026d}"


def message_id(number: int) -> str:
    """Return the id of the n-th message between agents."""
    return f"msg-{number:026d}"


def model_token(task: str, attempt: int) -> str:
    """Return the model token that the fake gives with this attempt."""
    return f"{MODEL_TOKEN_MARK}{task}.{attempt}.inst-1.{'M' * 43}"


@dataclass(slots=True, kw_only=True)
class Given:
    """A task that the hub has for the agent, and what became of it."""

    task: str
    attempt: int
    payload: dict[str, Any]
    current: bool = True
    cancelled: bool = False
    settled: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class Request:
    """A request as it came."""

    at_s: float
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    authorization: str


@dataclass(slots=True)
class HubForAgentd:
    """Start it, `give` tasks, wait for what you expect, `close` it."""

    socket: Path
    requests: list[Request] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    heartbeat_s: float = 0.2
    svid_s: float = 300.0
    instance_tokens: set[str] = field(default_factory=lambda: {INSTANCE_TOKEN})
    _given: dict[tuple[str, int], Given] = field(default_factory=dict)
    _answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    _svids: set[str] = field(default_factory=set)
    _faults: dict[str, deque[int]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _server: "_Server | None" = None
    _sold: int = 0
    lose_by_heartbeat_only: bool = False
    mail: list[dict[str, Any]] = field(default_factory=list)  # not acknowledged yet
    colleagues: list[dict[str, Any]] = field(default_factory=list)
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)  # problem by message type
    answered_by: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda _message: None
    forgets_what_is_held: bool = False
    brings_more: bool = True  # the answer to a result brings the next task
    looking: int = 0  # polls for mail that wait here now
    _handed: set[str] = field(default_factory=set)

    def start(self) -> None:
        """Listen (again)."""
        self.socket.unlink(missing_ok=True)
        self._server = _Server(str(self.socket), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Go away: no listener, no socket, every connection broken."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.break_connections()
        self.socket.unlink(missing_ok=True)

    def give(self, number: int = 1, *, attempt: int = 1, **payload: Any) -> str:
        """Have a task for the agent; keyword arguments replace fields of the assignment."""
        task = task_id(number)
        filled = {
            "prompt": "a prompt that nobody may log",
            "model_token": model_token(task, attempt),
            "sensitivity": "internal",
            "labels": {},
            "timeout_s": 60,
            "lease_s": 30,
            "heartbeat_s": self.heartbeat_s,
            "budget": {"usd": None, "tokens": None, "turns": None},
            "output_schema": None,
        } | payload
        with self._changed:
            self._given[task, attempt] = Given(task=task, attempt=attempt, payload=filled)
            self._changed.notify_all()
        return task

    def cancel(self, task: str) -> None:
        """Cancel a task as an operator does."""
        self._end(task, cancelled=True)

    def lose(self, task: str) -> None:
        """Make the attempt stale, as an expired lease does."""
        self._end(task, cancelled=False)

    def _end(self, task: str, *, cancelled: bool) -> None:
        with self._changed:
            for each in self._given.values():
                if each.task == task:
                    each.current, each.cancelled = False, cancelled
            self._changed.notify_all()

    def fault(self, what: str, *statuses: int) -> None:
        """Answer the next requests of a kind (`svid`, `poll`, or a message type) with these statuses."""
        with self._changed:
            self._faults.setdefault(what, deque()).extend(statuses)

    def post(self, number: int, kind: str, text: str, **more: Any) -> str:
        """Have a message of another agent for this one; return its id."""
        message = {
            "id": message_id(number),
            "type": kind,
            "from": {"agent": "clerk"},
            "label": "confidential",
            "kind": "text",
            "payload": {"text": text},
            "sent_at_s": 1.0,
            "expires_in_s": 60.0,
            **more,
        }
        with self._changed:
            self.mail.append(message)
            self._changed.notify_all()
        return str(message["id"])

    def expire_svids(self) -> None:
        """Take no SVID that was sold so far."""
        with self._changed:
            self._svids.clear()

    def wait_for(self, what: Callable[[], Any], *, within_s: float = WAIT_S) -> Any:
        """Return what `what` returns once it's true; AssertionError when it isn't in time."""
        until_s = time.monotonic() + within_s
        with self._changed:
            while not (got := what()):
                left_s = until_s - time.monotonic()
                assert left_s > 0, f"not within {within_s} s; messages: {self.types()}"
                self._changed.wait(min(left_s, 0.05))
        return got

    def wait_for_message(self, kind: str, *, within_s: float = WAIT_S) -> dict[str, Any]:
        """Return the first message of that type."""
        found = self.wait_for(lambda: self.sent(kind), within_s=within_s)
        first: dict[str, Any] = found[0]
        return first

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """Return every message of that type, repeats included."""
        return [each for each in self.messages if each["type"] == kind]

    def types(self) -> list[str]:
        """Return the types of what was sent, heartbeats left out."""
        return [each["type"] for each in self.messages if each["type"] != "agent.heartbeat"]

    def polls(self) -> list[Request]:
        """Return every poll."""
        with self._changed:
            return [each for each in self.requests if each.method == "GET"]

    def asked_for_mail(self) -> list[Request]:
        """Return every poll that took mail."""
        return [each for each in self.polls() if "mail" in each.query]

    def answer_to(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return what a message was answered."""
        found: dict[str, Any] = self.wait_for(lambda: self._answers.get(message["id"]))
        return found

    def handed(self, message: str) -> bool:
        """Whether a message of another agent was handed out."""
        return message in self._handed

    # ---- what the handler calls ----

    def answer(
        self, request: Request, gone: Callable[[], bool] = lambda: False
    ) -> tuple[int, dict[str, Any]]:
        """Return status and body for a request; `gone` says that nobody waits for them any more."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        if request.path == "/api/hub/svid":
            return self._sell(request)
        if (status := self._fault("poll" if request.method == "GET" else str(_type(request)))) != 0:
            return status, _problem(status)
        with self._changed:
            if request.authorization.removeprefix("Bearer ") not in self._svids:
                return 401, _problem(401)
        if request.path == "/api/hub/colleagues":
            body = {"agents": self.colleagues}
            self.violations += violations("colleagues.answer", body)
            return 200, body
        return self._polled(request, gone) if request.method == "GET" else self._sent(request)

    def _fault(self, what: str) -> int:
        with self._changed:
            planned = self._faults.get(what)
            return planned.popleft() if planned else 0

    def _sell(self, request: Request) -> tuple[int, dict[str, Any]]:
        self.violations += violations("svid.request", request.body)
        if (status := self._fault("svid")) != 0:
            return status, _problem(status)
        if request.authorization.removeprefix("Bearer ") not in self.instance_tokens:
            return 401, _problem(401)
        with self._changed:
            self._sold += 1
            svid = f"eyJ.svid{self._sold}.sig"
            self._svids.add(svid)
        spiffe_id = f"spiffe://acme/agent/researcher/{INSTANCE}"
        body = {"svid": svid, "spiffe_id": spiffe_id, "expires_in_s": self.svid_s}
        self.violations += violations("svid.answer", body)
        return 200, body

    def _polled(self, request: Request, gone: Callable[[], bool]) -> tuple[int, dict[str, Any]]:
        holds = {_hold(each) for each in request.query.get("holds", [])}
        slots = int(request.query["slots"][0])
        room = int(request.query.get("mail", ["0"])[0])
        self._acknowledge(request.query.get("seen", [""])[0])
        until_s = time.monotonic() + min(float(request.query["wait"][0]), 30)
        with self._changed:
            self.looking += bool(room)
            while not (due := self._due(holds, slots) + self.mail[:room]) and self._server:
                left_s = until_s - time.monotonic()
                if left_s <= 0 or gone():
                    break
                self._changed.wait(min(left_s, GONE_S))
            self.looking -= bool(room)
            self._handed.update(each["id"] for each in due)
            self._changed.notify_all()
        body = {"messages": due}
        self.violations += violations("messages.answer", body)
        return 200, body

    def _acknowledge(self, seen: str) -> None:
        with self._changed:
            ids = [each["id"] for each in self.mail]
            if seen in ids:
                del self.mail[: ids.index(seen) + 1]

    def _due(self, holds: set[tuple[str, int]], slots: int) -> list[dict[str, Any]]:
        due = []
        for hold in holds if not self.lose_by_heartbeat_only else ():
            given = self._given.get(hold)
            if given is None or not given.current:
                kind = "task.cancel" if given is not None and given.cancelled else "task.lost"
                due.append(_message(kind, *hold, {"reason": "not current"}))
        for hold, given in self._given.items():
            if self.forgets_what_is_held and hold in holds:
                due.append(_message("task.assigned", *hold, given.payload))
            elif given.current and given.settled is None and hold not in holds and slots > 0:
                due.append(_message("task.assigned", *hold, given.payload))
                slots -= 1
        return due

    def _sent(self, request: Request) -> tuple[int, dict[str, Any]]:
        message = request.body
        self.violations += violations("message", message)
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()
            status, body = self._settle(message)
            if status == 200 and message["type"] in ("task.completed", "task.failed"):
                body = self._with_more(body, request.query)
        if status == 200:
            self.violations += violations("message.answer", body)
        return status, body

    def _with_more(self, body: dict[str, Any], query: dict[str, list[str]]) -> dict[str, Any]:
        """Return a result's answer with assignments for the slots that it names."""
        if not self.brings_more:
            return body
        holds = {_hold(each) for each in query.get("holds", [])}
        more = self._due(holds, int(query.get("slots", ["0"])[0]))
        given = [each for each in more if each["type"] == "task.assigned"]
        return body | {"messages": given} if given else body

    def _settle(self, message: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if message["id"] in self._answers:
            return 200, self._answers[message["id"]]
        body: dict[str, Any] = {"id": message["id"], "accepted": True}
        if message["type"] == "agent.heartbeat":
            stale = [each for each in message["payload"]["holds"] if not self._is_current(each)]
            return 200, body | {"lost": stale}
        if not self._is_current(message):
            return 409, _problem(409)
        if message["type"] in self.refusals:
            problem = self.refusals[message["type"]]
            return problem["status"], problem
        if message["type"] in TALK:
            number = len(self._answers) + 1
            body |= {"message": message_id(9000 + number), "recipients": 1}
            body |= self.answered_by(message | {"message": body["message"]}) or {}
        if message["type"] == "delegate":
            body |= {"task": task_id(9000 + len(self._answers)), "state": "queued"}
        if message["type"] in ("task.completed", "task.failed"):
            self._given[message["task"], message["attempt"]].settled = message
        self._answers[message["id"]] = body
        return 200, body

    def _is_current(self, hold: dict[str, Any]) -> bool:
        given = self._given.get((hold["task"], hold["attempt"]))
        return given is not None and given.current


def _hung_up(connection: Any) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _type(request: Request) -> Any:
    return request.body.get("type") if isinstance(request.body, dict) else None


def _hold(text: str) -> tuple[str, int]:
    task, attempt = text.rsplit(":", 1)
    return task, int(attempt)


def _message(kind: str, task: str, attempt: int, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"msg-{kind}-{attempt}",
        "type": kind,
        "task": task,
        "attempt": attempt,
        "payload": payload,
    }


def _problem(status: int) -> dict[str, Any]:
    return {
        "type": "urn:agentctl:problem:made-up",
        "title": "Made up",
        "status": status,
        "detail": "as the test wants it",
    }


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[Any] = set()
        super().__init__(path, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def break_connections(self) -> None:
        for each in list(self._open):
            self.shutdown_request(each)

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # a peer that vanished is what these tests are about


def _handler(hub: HubForAgentd) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "unix"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
            return

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            status, body = hub.answer(
                Request(
                    at_s=time.monotonic(),
                    method=self.command,
                    path=parts.path,
                    query=parse_qs(parts.query),
                    body=json.loads(raw) if raw else None,
                    authorization=self.headers.get("Authorization", ""),
                ),
                lambda: _hung_up(self.connection),
            )
            encoded = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        do_GET = do_POST = _serve  # noqa: N815 - http.server's names

    return Handler
