"""The reader asks with GET alone, and takes every odd answer for an unreachable engine."""

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentctl.engine import reader
from agentctl.model.fleet import Host
from agentctl.model.instance import ContainerState
from agentctl.paths import StatePaths

LABELS = {
    "agentctl.installation": "i-1",
    "agentctl.agent": "dev",
    "agentctl.replica": "2",
    "agentctl.instance": "inst-1",
    "agentctl.spec": "hash",
    "agentctl.provider": "ollama",
    "agentctl.boundary": "private",
    "agentctl.label": "internal",
}


def listed(**changes: Any) -> dict[str, Any]:
    row = {
        "Id": "abc",
        "Names": ["/acme-dev-2"],
        "Labels": LABELS,
        "State": "running",
        "Status": "Up 2 minutes",
        "Created": 1700000000,
    }
    return {**row, **changes}


class ScriptedEngine:
    """Answers each path with what the test put there; notes what was asked."""

    def __init__(self, socket: Path) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {"/version": (200, b"{}")}
        self.asked: list[str] = []
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def address_string(self) -> str:
                return "unix"

            def log_message(self, *_: Any) -> None: ...

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                engine.asked.append(f"{self.command} {self.path}")
                status, body = engine.answers.get(self.path.partition("?")[0], (404, b"{}"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = socketserver.UnixStreamServer(str(socket), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def lists(self, *rows: Any) -> None:
        self.answers["/containers/json"] = (200, json.dumps(rows).encode())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[ScriptedEngine]:
    scripted = ScriptedEngine(tmp_path / "docker.sock")
    scripted.thread.start()
    yield scripted
    scripted.server.shutdown()
    scripted.thread.join()
    scripted.server.server_close()


def look(tmp_path: Path) -> Any:
    host = Host(name="local", engine_url=f"unix://{tmp_path}/docker.sock")
    return reader.observe(host, paths=StatePaths(tmp_path), installation="i-1", timeout_s=2.0)


def test_it_only_gets_and_only_asks_for_our_installation(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    engine.lists(listed())
    (seen,) = look(tmp_path).containers
    assert (seen.id, seen.name, seen.agent, seen.replica) == ("abc", "acme-dev-2", "dev", 2)
    assert seen.created_at_s == 1700000000.0
    assert all(each.startswith("GET ") for each in engine.asked)
    assert "agentctl.installation%3Di-1" in engine.asked[0]


@pytest.mark.parametrize(
    ("state", "status", "expected", "code"),
    [
        ("created", "Created", ContainerState.CREATED, None),
        ("running", "Up 2 minutes", ContainerState.RUNNING, None),
        ("paused", "Up 2 minutes (Paused)", ContainerState.RUNNING, None),
        ("exited", "Exited (137) 3 minutes ago", ContainerState.EXITED, 137),
        ("dead", "Dead", ContainerState.EXITED, None),
        ("removing", "Removal In Progress", ContainerState.EXITED, None),
    ],
)
def test_each_of_the_engines_states_is_one_of_ours(
    engine: ScriptedEngine,
    tmp_path: Path,
    state: str,
    status: str,
    expected: ContainerState,
    code: int | None,
) -> None:
    engine.lists(listed(State=state, Status=status))
    (seen,) = look(tmp_path).containers
    assert (seen.state, seen.exit_code) == (expected, code)


def test_one_of_ours_with_odd_labels_is_still_seen(engine: ScriptedEngine, tmp_path: Path) -> None:
    engine.lists(listed(Labels={"agentctl.installation": "i-1", "agentctl.replica": "two"}))
    (seen,) = look(tmp_path).containers
    assert (seen.agent, seen.replica, seen.spec) == ("", -1, "")


@pytest.mark.parametrize(
    "answer",
    [
        (500, b'{"message": "no"}'),
        (200, b"not json"),
        (200, b"{}[]"),
        (200, b'[{"Id": 1}]'),
        (200, b"[1]"),
        (200, b"7"),
    ],
)
def test_an_odd_answer_is_an_unreachable_engine_never_an_empty_one(
    engine: ScriptedEngine, tmp_path: Path, answer: tuple[int, bytes]
) -> None:
    engine.answers["/containers/json"] = answer
    seen = look(tmp_path)
    assert not seen.reachable
    assert seen.containers == ()


def test_an_address_that_is_no_socket_is_an_error(tmp_path: Path) -> None:
    host = Host(name="far", engine_url="tcp://10.0.0.1:2375")
    seen = reader.observe(host, paths=StatePaths(tmp_path), installation="i-1")
    assert "Unix socket" in seen.error
