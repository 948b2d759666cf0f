"""Bad input as a user gives it: each a clear error that says what, where and what to do; nothing half-done."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Fleet, fleet_of, until


@pytest.fixture(scope="module")
def served() -> Iterator[Fleet]:
    """A fleet with its TCP listener on a known port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        fleet.listen = f"127.0.0.1:{port}"
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        yield fleet


def http(
    fleet: Fleet, path: str, *, token: str = "", body: bytes | None = None
) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(f"http://{fleet.listen}{path}", data=body)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            raw, status = answer.read(), answer.status
    except urllib.error.HTTPError as refused:
        raw, status = refused.read(), refused.code
        if not refused.headers["Content-Type"].startswith("application/problem+json"):
            pytest.fail(f"{status} is not a problem document: {raw[:200]!r}")
    return status, json.loads(raw) if raw[:1] == b"{" else {"text": raw.decode()}


def token(fleet: Fleet, role: str, *options: str) -> str:
    made = fleet.run("token", "create", "--name", role, "--role", role, "-o", "json", *options)
    return str(json.loads(made.stdout)["token"])


def test_over_tcp_only_health_and_metrics_need_no_token(served: Fleet) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert http(served, path)[0] == 200, path
    for path in ("/api/hub/tasks", "/api/hub/status", "/api/hub/generations/latest"):
        assert http(served, path)[0] == 401, path
    assert http(served, "/api/hub/tasks", token="op1.forged." + "A" * 43)[0] == 401


def test_each_role_may_do_its_part(served: Fleet) -> None:
    submit = json.dumps({"prompt": "hi", "sensitivity": "internal"}).encode()
    viewer, operator = token(served, "viewer"), token(served, "operator")
    assert http(served, "/api/hub/tasks", token=viewer)[0] == 200
    status, problem = http(served, "/api/hub/tasks", token=viewer, body=submit)
    assert (status, problem["type"]) == (403, "urn:agentctl:problem:refused")
    status, task = http(served, "/api/hub/tasks", token=operator, body=submit)
    assert (status, task["submitted_by"]) == (201, "operator:token:operator")
    tokens = json.dumps({"name": "x", "role": "admin", "ttl_s": 60}).encode()
    assert http(served, "/api/hub/tokens", token=operator, body=tokens)[0] == 403


def test_ci_plans_and_does_nothing_else(served: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCTL_TOKEN", token(served, "ci"))
    remote = ("--hub", f"http://{served.listen}")
    assert "No changes" in served.run(*remote, "plan").stdout
    assert served.run(*remote, "whoami").stdout == "operator:token:ci, role ci\n"
    for words in (["tasks"], ["status"], ["apply", "--yes"], ["submit", "x"], ["pause"]):
        assert "is ci and may not" in served.run(*remote, *words, code=3).stderr, words


def test_a_viewers_apply_is_refused_before_it_is_shown_or_asked(
    served: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCTL_TOKEN", token(served, "viewer"))
    ended = served.run("--hub", f"http://{served.listen}", "apply", "--yes", code=3)
    assert ended.stdout == ""
    assert "token:viewer is viewer and may not apply" in ended.stderr


def test_a_revoked_token_is_refused_at_once(served: Fleet) -> None:
    short = token(served, "operator", "--expires", "1h")
    assert http(served, "/api/hub/whoami", token=short)[0] == 200
    listed = json.loads(served.run("token", "list", "-o", "json").stdout)["tokens"]
    [newest] = [each["id"] for each in listed if each["id"] in short]
    served.run("token", "revoke", newest)
    assert http(served, "/api/hub/whoami", token=short)[0] == 401


def test_an_expired_token_is_refused(served: Fleet) -> None:
    short = token(served, "ci", "--ttl", "1s")
    until(lambda: http(served, "/api/hub/status", token=short)[0] == 401, what="its end")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"prompt": "a", "prompt": "b"}', 400, "prompt"),
        (b'{"prompt": NaN}', 400, "NaN"),
        (b"[" * 5000, 400, ""),
        (b'{"prompt": "\\ud800"}', 400, ""),
        (b"not json", 400, ""),
        (b'{"prompt": 1}', 422, "/prompt"),
        (b'{"prompt": "x", "sensitivty": "internal"}', 422, "sensitivty"),
        (b'{"prompt": "x", "sensitivity": "internl"}', 422, "did you mean 'internal'"),
        (b'{"prompt": "   "}', 422, "empty"),
        (json.dumps({"prompt": "x" * 300_000}).encode(), 413, ""),
        (json.dumps({"prompt": "x" * 210_000}).encode(), 422, "204800"),
    ],
    ids=[
        "twice",
        "nan",
        "deep",
        "surrogate",
        "text",
        "type",
        "key",
        "level",
        "empty",
        "body",
        "prompt",
    ],
)
def test_a_bad_submit_is_a_problem_that_says_what_and_where(
    served: Fleet, body: bytes, status: int, words: str
) -> None:
    before = served.hub.get("/api/hub/status")["tasks"]
    got, problem = http(
        served,
        "/api/hub/tasks",
        token=operator_token(served),
        body=body,
    )
    assert got == status, problem
    assert str(problem["type"]).startswith("urn:agentctl:problem:")
    assert words in json.dumps(problem)
    assert served.hub.get("/api/hub/status")["tasks"] == before


_TOKENS: dict[int, str] = {}


def operator_token(fleet: Fleet) -> str:
    return _TOKENS.setdefault(id(fleet), token(fleet, "operator"))


def test_an_unknown_path_and_a_wrong_method_are_problems(served: Fleet) -> None:
    assert http(served, "/api/hub/nothing", token=operator_token(served))[0] == 404
    assert http(served, "/healthz", body=b"{}")[0] == 405


def test_the_openapi_document_names_every_route(served: Fleet) -> None:
    document = served.hub.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert {"/api/hub/tasks", "/api/hub/agents", "/healthz", "/readyz"} <= set(document["paths"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("submit", "x", "--sensitivity", "internl"), 1, "did you mean 'internal'"),
        (("submit", "x", "--agent", "reseacher"), 1, "did you mean 'researcher'"),
        (("task", "show", "task-none"), 1, "agentctl tasks"),
        (("sumbit", "x"), 2, "Did you mean 'submit'"),
        (("submit",), 2, "PROMPT"),
        (("tasks", "--state", "runing"), 2, "running"),
    ],
)
def test_a_mistake_at_the_command_line_is_one_clear_word(
    served: Fleet, words: tuple[str, ...], code: int, said: str
) -> None:
    ended = served.run(*words, code=code)
    assert said in ended.stderr


def test_an_engine_that_does_not_answer_is_named_and_work_goes_on_elsewhere(tmp_path: Path) -> None:
    with fleet_of(
        engine_url="unix:///nowhere/engine.sock", image="none", executor="messages-api"
    ) as fleet:
        ended = fleet.run("plan", code=None)
        assert "/nowhere/engine.sock" in ended.stdout + ended.stderr
        fleet.start()
        ended = fleet.run("apply", "--yes", "--timeout", "5s", code=None)
        assert ended.returncode not in (0, None)
        assert "/nowhere/engine.sock" in ended.stdout + ended.stderr
        until(
            lambda: fleet.hub.get("/api/hub/status")["mode"]["mode"] == "degraded",
            what="a hub that says it is degraded",
        )


def test_a_state_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    from agentctl.store import Store, meta

    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        fleet.paths.prepare()
        store = Store.open(fleet.paths.store)
        store.write(lambda txn: meta.put(txn, "schema", "99"))
        store.close()
        ended = fleet.run("serve", "--listen", "127.0.0.1:0", code=6)
        assert "newer" in ended.stderr


def test_broken_files_are_never_applied(served: Fleet) -> None:
    play = served.stage.project / "playbooks" / "fleet.yaml"
    good = play.read_text()
    play.write_text(good.replace("clearance: internal", "clearance: restricted"))
    try:
        ended = served.run("apply", "--yes", code=1)
        assert "thinker" in ended.stderr
        assert "fleet.yaml:" in ended.stderr
        assert served.hub.get("/api/hub/generations/latest")["number"] == 1
    finally:
        play.write_text(good)
