"""The commands against a hub of canned answers: what they send, print, and end with."""

import importlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agentctl.cli import Settings, run
from agentctl.cli.duration import Duration, spoken
from agentctl.cli.listen import address
from agentctl.errors import (
    EXIT_ERROR,
    EXIT_OK,
    EXIT_REFUSED,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    UsageError,
)

TASK: dict[str, Any] = {
    "id": "task-1",
    "state": "queued",
    "sensitivity": "internal",
    "declared": "internal",
    "rule": "deep reasoning",
    "agent": "thinker",
    "provider": "claude-opus",
    "boundary": "public",
    "held_reason": None,
    "submitted_at_s": 1.0,
    "duration_s": None,
    "labels": {"bulk": "true"},
    "capabilities": ["deep-reasoning"],
    "usage": {"input_tokens": 12, "output_tokens": 3},
    "cost_usd": None,
    "result": None,
    "error": None,
    "events": [],
    "prompt": "why?",
}


class CannedHub:
    """Answers in turn for each route, the last one for ever; remembers what was sent."""

    def __init__(self) -> None:
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.sent: list[tuple[str, Any, Any]] = []
        self.settings: Settings | None = None

    def connect(self, settings: Settings) -> "CannedHub":
        self.settings = settings
        return self

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._answer("GET", path, params, None)

    def post(
        self, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        return self._answer("POST", path, body, headers)

    def delete(self, path: str) -> dict[str, Any]:
        return self._answer("DELETE", path, None, None)

    def _answer(self, method: str, path: str, body: Any, headers: Any) -> dict[str, Any]:
        self.sent.append((f"{method} {path}", body, headers))
        queue = self.answers[f"{method} {path}"]
        return queue.pop(0) if len(queue) > 1 else queue[0]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> CannedHub:
    canned = CannedHub()
    for module in (
        "submit",
        "tasks",
        "agents",
        "status",
        "modes",
        "token",
        "quarantine",
        "declassify",
    ):
        loaded = importlib.import_module(f"agentctl.cli.{module}")
        monkeypatch.setattr(loaded, "connect", canned.connect)
    monkeypatch.setattr("agentctl.client.connect", canned.connect)  # apply takes it when it runs
    return canned


def test_submit_sends_what_was_asked_and_prints_the_id(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["POST /api/hub/tasks"] = [TASK]
    words = "submit why? --sensitivity internal --capability deep-reasoning --label bulk=true"
    assert run([*words.split(), "--timeout", "5m", "--idempotency-key", "k1"]) == EXIT_OK
    assert hub.sent == [
        (
            "POST /api/hub/tasks",
            {
                "prompt": "why?",
                "sensitivity": "internal",
                "capabilities": ["deep-reasoning"],
                "labels": {"bulk": "true"},
                "timeout_s": 300.0,
            },
            {"Idempotency-Key": "k1"},
        )
    ]
    printed = capsys.readouterr()
    assert printed.out == "task-1\n"
    assert printed.err == "queued for thinker (claude-opus, public), by deep reasoning\n"


def test_submit_wait_prints_the_text_and_ends_well_only_when_completed(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["POST /api/hub/tasks"] = [TASK]
    done = {**TASK, "state": "completed", "result": {"text": "because"}}
    ended = {"events": [], "next": 2, "progress": None, "ended": True}
    hub.answers["GET /api/hub/tasks/task-1/events"] = [ended]
    hub.answers["GET /api/hub/tasks/task-1"] = [done]
    assert run(["submit", "why?", "--wait"]) == EXIT_OK
    printed = capsys.readouterr()
    assert printed.out == "because\n"
    assert printed.err == "task-1 queued for thinker (claude-opus, public), by deep reasoning\n"


def test_submit_wait_in_json_says_no_more_than_the_task(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["POST /api/hub/tasks"] = [TASK]
    ended = {"task": "task-1", "events": [], "next": 2, "progress": None, "ended": True}
    hub.answers["GET /api/hub/tasks/task-1/events"] = [ended]
    hub.answers["GET /api/hub/tasks/task-1"] = [{**TASK, "state": "completed"}]
    assert run(["submit", "why?", "--wait", "-o", "json"]) == EXIT_OK
    printed = capsys.readouterr()
    assert json.loads(printed.out)["state"] == "completed"
    assert printed.err == ""


def test_submit_wait_of_a_failed_task_says_why_and_ends_with_1(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {
        **TASK,
        "state": "failed",
        "result": {"text": "half", "partial": True, "detail": "the model refused"},
    }
    hub.answers["POST /api/hub/tasks"] = [failed]
    assert run(["submit", "why?", "--wait"]) == EXIT_ERROR
    printed = capsys.readouterr()
    assert printed.out == "half\n"
    assert printed.err == "agentctl: task-1 failed: the model refused (the text is partial)\n"


def test_a_label_without_a_value_is_a_usage_error(hub: CannedHub) -> None:
    assert run(["submit", "why?", "--label", "bulk"]) == EXIT_USAGE
    assert hub.sent == []


def test_tasks_filters_and_prints_json_as_the_api_has_it(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    page = {"tasks": [TASK], "next": None}
    hub.answers["GET /api/hub/tasks"] = [page]
    assert run(["tasks", "--state", "queued", "-o", "json"]) == EXIT_OK
    assert json.loads(capsys.readouterr().out) == page
    asked = {name: value for name, value in hub.sent[0][1].items() if value is not None}
    assert asked == {"state": "queued", "limit": 50}


def test_tasks_asks_for_labels_and_since_when(hub: CannedHub) -> None:
    hub.answers["GET /api/hub/tasks"] = [{"tasks": [], "next": None}]
    words = "tasks --label bulk=true --label team=a=b --since 2031-05-01T12:00:00+02:00"
    assert run(words.split()) == EXIT_OK
    assert hub.sent[0][1]["label"] == ["bulk=true", "team=a=b"]
    assert hub.sent[0][1]["since"] == 1935396000.0


def test_tasks_goes_on_to_the_next_page_until_the_limit_is_met(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["GET /api/hub/tasks"] = [
        {"tasks": [], "next": "task-9"},
        {"tasks": [TASK, TASK], "next": "task-1"},
    ]
    assert run(["tasks", "--label", "bulk=true", "--limit", "2", "-o", "json"]) == EXIT_OK
    assert json.loads(capsys.readouterr().out) == {"tasks": [TASK, TASK], "next": "task-1"}
    assert [body["before"] for _, body, _ in hub.sent] == [None, "task-9"]


@pytest.mark.parametrize("word", ["yesterday", "2031-05-01T12:00:00", "-5m"])
def test_what_is_no_moment_is_a_usage_error(hub: CannedHub, word: str) -> None:
    assert run(["tasks", f"--since={word}"]) == EXIT_USAGE
    assert hub.sent == []


def test_after_tasks_a_state_is_the_filter_and_a_path_is_the_directory(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["GET /api/hub/tasks"] = [{"tasks": [], "next": None}]
    assert run(["tasks", "--state", "/srv/agentctl", "--state", "held"]) == EXIT_OK
    assert hub.sent[0][1]["state"] == "held"
    assert hub.settings is not None
    assert str(hub.settings.state) == "/srv/agentctl"


def test_task_show_says_where_it_went_and_why(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["GET /api/hub/tasks/task-1"] = [TASK]
    assert run(["task", "show", "task-1"]) == EXIT_OK
    shown = capsys.readouterr().out
    assert "  rule          deep reasoning\n" in shown
    assert "  tokens        12 in, 3 out\n" in shown


def test_a_task_id_cannot_name_another_route(hub: CannedHub) -> None:
    hub.answers["DELETE /api/hub/tasks/..%2Fmode"] = [TASK]
    assert run(["task", "cancel", "../mode"]) == EXIT_OK


def test_task_retry_prints_the_new_task(hub: CannedHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.answers["POST /api/hub/tasks/task-0/retry"] = [TASK]
    assert run(["task", "retry", "task-0"]) == EXIT_OK
    assert capsys.readouterr().out == "task-1\n"


def test_pause_and_resume_set_the_mode(hub: CannedHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.answers["POST /api/hub/mode"] = [{"mode": "paused", "reason": "deploy"}]
    assert run(["pause", "--reason", "deploy"]) == EXIT_OK
    assert run(["resume"]) == EXIT_OK
    assert [body for _, body, _ in hub.sent] == [
        {"mode": "paused", "reason": "deploy"},
        {"mode": "normal", "reason": ""},
    ]
    assert capsys.readouterr().out.startswith("The hub is paused: deploy\n")


def test_a_token_is_the_only_thing_on_stdout(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["POST /api/hub/tokens"] = [{"id": "op-1", "token": "op1.op-1.secret"}]
    assert run(["token", "create", "--name", "ci", "--role", "ci", "--ttl", "7d"]) == EXIT_OK
    assert capsys.readouterr().out == "op1.op-1.secret\n"
    assert hub.sent[0][1] == {"name": "ci", "role": "ci", "ttl_s": 604800.0}


def test_a_token_expires_at_a_moment_or_after_a_while(hub: CannedHub) -> None:
    hub.answers["POST /api/hub/tokens"] = [{"id": "op-1", "token": "op1.op-1.secret"}]
    create = ["token", "create", "--name", "x", "--role", "viewer", "--expires"]
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert run([*create, "12h"]) == EXIT_OK
    assert run([*create, in_an_hour.isoformat()]) == EXIT_OK
    assert hub.sent[0][1]["ttl_s"] == 43200.0
    assert hub.sent[1][1]["ttl_s"] == pytest.approx(3600.0, abs=30)


@pytest.mark.parametrize("when", ["2001-01-01T00:00:00Z", "0", "2031-05-01", "soon", "-1d"])
def test_a_moment_that_is_past_or_none_is_a_usage_error(hub: CannedHub, when: str) -> None:
    create = ["token", "create", "--name", "x", "--role", "viewer", f"--expires={when}"]
    assert run(create) == EXIT_USAGE
    assert hub.sent == []


TOKENS = [
    {
        "id": f"op-{number}",
        "name": name,
        "role": "ci",
        "created_at_s": None,
        "created_by": None,
        "expires_at_s": 4e9,
        "expired": name == "old",
    }
    for number, name in enumerate(["deploy", "deploy", "old"])
]


def test_tokens_are_listed_and_revoked_by_id_or_by_a_name_of_one(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["GET /api/hub/tokens"] = [{"tokens": TOKENS}]
    for number in (0, 2):
        hub.answers[f"DELETE /api/hub/tokens/op-{number}"] = [TOKENS[number]]
    assert run(["token", "list"]) == EXIT_OK
    listed = capsys.readouterr().out.splitlines()
    assert listed[0].split() == ["ID", "NAME", "ROLE", "MADE", "BY", "EXPIRES"]
    assert listed[3].split() == ["op-2", "old", "ci", "-", "-", "expired"]
    assert run(["token", "revoke", "op-0"]) == EXIT_OK
    assert run(["token", "revoke", "old"]) == EXIT_OK
    assert [path for path, *_ in hub.sent if path.startswith("DELETE")] == [
        "DELETE /api/hub/tokens/op-0",
        "DELETE /api/hub/tokens/op-2",
    ]
    capsys.readouterr()
    assert run(["token", "revoke", "deploy"]) == EXIT_ERROR
    assert "op-0, op-1" in capsys.readouterr().err
    assert run(["token", "revoke", "none"]) == EXIT_ERROR


@pytest.mark.parametrize("role", ["viewer", "ci"])
def test_apply_is_refused_to_who_may_not_before_anything_is_asked(
    hub: CannedHub, role: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.answers["GET /api/hub/whoami"] = [{"name": "token:x", "role": role}]
    assert run(["init", str(tmp_path / "p")]) == EXIT_OK
    capsys.readouterr()
    assert run(["--project", str(tmp_path / "p"), "apply", "--yes"]) == EXIT_REFUSED
    assert [path for path, *_ in hub.sent] == ["GET /api/hub/whoami"]
    assert capsys.readouterr().err == (
        f"agentctl: token:x is {role} and may not apply; it takes the role admin or operator;"
        " `agentctl plan` shows what would change\n"
    )


def test_quarantine_and_release_say_what_they_did(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    stands = {"agent": "researcher", "who": "operator:uid:0", "why": "odd", "since_s": 1.0}
    hub.answers["POST /api/hub/agents/researcher/quarantine"] = [
        {**stands, "containers": 2, "tasks": ["task-1"]}
    ]
    hub.answers["POST /api/hub/agents/researcher/release"] = [stands]
    assert run(["quarantine", "researcher", "--why", "odd"]) == EXIT_OK
    assert run(["release", "researcher"]) == EXIT_OK
    assert run(["quarantine", "researcher", "--release"]) == EXIT_OK
    assert [(path, body) for path, body, _ in hub.sent] == [
        ("POST /api/hub/agents/researcher/quarantine", {"why": "odd"}),
        ("POST /api/hub/agents/researcher/release", {"why": ""}),
        ("POST /api/hub/agents/researcher/release", {"why": ""}),
    ]
    assert capsys.readouterr().out.splitlines()[:3] == [
        "researcher is quarantined by operator:uid:0: odd",
        "2 container(s) end now; work taken back: task-1",
        "researcher is released; it was quarantined by operator:uid:0",
    ]


def test_a_workspace_is_declassified_by_its_place(
    hub: CannedHub, capsys: pytest.CaptureFixture[str]
) -> None:
    route = "POST /api/hub/agents/researcher/declassify"
    hub.answers[route] = [{"agent": "researcher", "host": "lab", "replica": 1, "holds": "internal"}]
    words = ["declassify", "researcher/1", "--to", "internal", "--why", "read"]
    assert run(words) == EXIT_OK
    assert run([*words, "--host", "lab"]) == EXIT_OK
    body = {"replica": 1, "to": "internal", "why": "read"}
    assert [each for _, each, _ in hub.sent] == [body, {**body, "host": "lab"}]
    said = "the workspace of researcher/1 on lab counts as internal now"
    assert capsys.readouterr().out.splitlines()[0] == said
    assert run(["declassify", "task-1", "--to", "x", "--why", "y", "--host", "lab"]) == EXIT_USAGE


def test_an_apply_that_is_answered_with_no_sends_nothing_and_says_so(
    hub: CannedHub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.answers["GET /api/hub/whoami"] = [{"name": "local", "role": "admin"}]
    hub.answers["GET /api/hub/generations/latest"] = [
        {"number": 0, "digest": "", "installation": "i", "desired": None}
    ]
    hub.answers["GET /api/hub/agents"] = [{"agents": []}]
    assert run(["init", str(tmp_path / "p")]) == EXIT_OK
    inventory = tmp_path / "p/inventory.yaml"
    inventory.write_text(
        inventory.read_text().replace(
            '"unix:///var/run/docker.sock"', '"process:"\n          isolation: none'
        )
    )
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    state = ["--state", str(tmp_path / "s"), "--project", str(tmp_path / "p")]
    assert run([*state, "apply"]) == EXIT_ERROR
    assert capsys.readouterr().err == "Nothing was applied.\n"
    assert not [path for path, *_ in hub.sent if path.startswith("POST")]


def test_apply_without_a_terminal_wants_yes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apply"]) == EXIT_USAGE
    assert "--yes" in capsys.readouterr().err


def test_a_hub_that_is_away_is_said_in_one_line(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--state", str(tmp_path), "status"]) == EXIT_UNAVAILABLE
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "agentctl serve" in said


def test_under_detailed_exitcode_a_usage_error_is_1_since_2_means_changes() -> None:
    assert run(["plan", "--no-such-flag", "--detailed-exitcode"]) == EXIT_ERROR
    assert run(["plan", "--no-such-flag"]) == EXIT_USAGE


@pytest.mark.parametrize("listen", ["0.0.0.0:8700", "192.168.1.2:8700", "example.org:80", "8700"])
def test_the_hub_listens_on_this_machine_alone(listen: str) -> None:
    with pytest.raises(UsageError):
        address(listen)


def test_addresses_to_listen_on() -> None:
    assert address("127.0.0.1:8700") == ("127.0.0.1", 8700)
    assert address("localhost:0") == ("127.0.0.1", 0)
    assert address("[::1]:8700") == ("::1", 8700)


def test_durations_are_read_and_said_with_units() -> None:
    read = [Duration().convert(word, None, None) for word in ("90", "1.5s", "5m", "2h", "30d")]
    assert read == [90, 1.5, 300, 7200, 2_592_000]
    assert [spoken(seconds) for seconds in (0.25, 42, 300, 7200, 999_999, None)] == [
        "0.2s",
        "42s",
        "5m",
        "2h",
        "12d",
        "-",
    ]


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("running", "attempt 2 of 3; before: no answer"),
        ("queued", "attempt 2 of 3 failed: no answer"),
        ("dead", "no answer"),
    ],
)
def test_a_task_that_goes_on_doesnt_read_as_one_that_failed(
    hub: CannedHub, capsys: pytest.CaptureFixture[str], state: str, why: str
) -> None:
    row = {**TASK, "state": state, "error": "no answer", "attempt": 2, "max_attempts": 3}
    hub.answers["GET /api/hub/tasks"] = [{"tasks": [row], "next": None}]
    assert run(["tasks"]) == EXIT_OK
    assert capsys.readouterr().out.splitlines()[1].endswith(f"  {why}")
