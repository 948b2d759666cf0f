"""Every route of the operators' listeners and every role, from the table of routes itself."""

from pathlib import Path
from typing import Any

import pytest

from agentctl.hub.operators import ROUTES
from agentctl.model.digest import plain
from agentctl.model.principal import Role
from tests.contract.hub.conftest import Whole
from tests.contract.hub.test_operators_and_the_reconciler import token
from tests.contract.hub.test_the_wire_to_agents import problem
from tests.fakes.fleet import fleet

OPERATORS_ROLES = ("viewer", "ci", "operator", "admin")
EVERYBODY = "nobody viewer ci operator admin"  # needs no credential
PLANNERS = "viewer ci operator admin"
READERS = "viewer operator admin"
OPERATORS = "operator admin"
ADMINS = "admin"

# A route without a line here fails: whoever adds one says who may use it.
MAY: dict[str, str] = {
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
    "GET /metrics": EVERYBODY,
    "GET /.well-known/spiffe-bundle": EVERYBODY,
    "GET /openapi.json": PLANNERS,
    "GET /api/hub/whoami": PLANNERS,
    "GET /api/hub/agents": PLANNERS,
    "GET /api/hub/generations": PLANNERS,
    "GET /api/hub/generations/latest": PLANNERS,
    "GET /api/hub/plan": PLANNERS,
    "GET /api/hub/mode": PLANNERS,
    "GET /api/hub/status": READERS,
    "GET /api/hub/agents/{agent}": READERS,
    "GET /api/hub/tasks": READERS,
    "GET /api/hub/tasks/{task}": READERS,
    "GET /api/hub/tasks/{task}/events": READERS,
    "GET /api/hub/tasks/{task}/artifacts": OPERATORS,
    "GET /api/hub/tasks/{task}/artifacts/{artifact:path}": OPERATORS,
    "GET /api/hub/alerts": READERS,
    "GET /api/hub/decisions": READERS,
    "GET /api/hub/keys": READERS,
    "GET /api/hub/journal": READERS,
    "GET /api/hub/journal/checkpoints": READERS,
    "POST /api/hub/journal/checkpoints": OPERATORS,
    "POST /api/hub/tasks": OPERATORS,
    "DELETE /api/hub/tasks/{task}": OPERATORS,
    "POST /api/hub/tasks/{task}/retry": OPERATORS,
    "POST /api/hub/generations": OPERATORS,
    "POST /api/hub/mode": OPERATORS,
    "POST /api/hub/agents/{agent}/quarantine": OPERATORS,
    "POST /api/hub/agents/{agent}/release": OPERATORS,
    "POST /api/hub/tasks/{task}/declassify": ADMINS,
    "POST /api/hub/agents/{agent}/declassify": ADMINS,
    "POST /api/hub/keys": ADMINS,
    "POST /api/hub/files": ADMINS,
    "POST /api/hub/tokens": ADMINS,
    "POST /api/hub/sign-ins": ADMINS,
    "GET /api/hub/tokens": ADMINS,
    "DELETE /api/hub/tokens/{token}": ADMINS,
    "POST /api/hub/backups": ADMINS,
}

TABLE = [f"{each.method} {each.path}" for each in ROUTES] + ["GET /openapi.json"]
PLACES = {"{task}": "task-" + "0" * 26, "{agent}": "thinker", "{token}": "op-0"}


def body_of(route: str, tmp_path: Path) -> Any:
    """Return a body that the route takes, so that only the role can refuse it."""
    bodies: dict[str, Any] = {
        "POST /api/hub/tasks": {"prompt": "x"},
        "POST /api/hub/generations": {"desired": plain(fleet()), "expected": 1},
        "POST /api/hub/mode": {"mode": "normal"},
        "POST /api/hub/tasks/{task}/declassify": {"to": "public", "why": "x"},
        "POST /api/hub/agents/{agent}/declassify": {"replica": 0, "to": "public", "why": "x"},
        "POST /api/hub/files": {"broken": ""},
        "POST /api/hub/tokens": {"name": "x", "role": "viewer", "ttl_s": 60},
        "POST /api/hub/backups": {"directory": str(tmp_path / "backup")},
    }
    return bodies.get(route, {}) if route.startswith("POST") else None


def at(route: str) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    for name, value in {**PLACES, "{artifact:path}": "a.txt"}.items():
        path = path.replace(name, value)
    return method, path


def test_every_route_says_who_may_use_it() -> None:
    assert sorted(MAY) == sorted(TABLE)


def test_every_role_of_operators_is_tried() -> None:
    assert {*OPERATORS_ROLES, "gateway", "reconciler"} == {each.value for each in Role}


@pytest.mark.parametrize("role", OPERATORS_ROLES)
def test_each_role_gets_what_it_may_and_nothing_else(
    whole: Whole, tmp_path: Path, role: str
) -> None:
    whole.apply()
    bearer = token(whole, role)
    for route in TABLE:
        method, path = at(route)
        said = whole.remote.ask(method, path, body_of(route, tmp_path), bearer=bearer)
        if role in MAY[route].split():
            assert said.status_code != 401, route
            assert said.status_code != 403 or said.json.get("rule") != "roles", (route, said.text)
            assert said.status_code < 500 or said.status_code == 503, (route, said.text)
        else:
            assert problem(said, 403)["rule"] == "roles", route


def test_without_a_credential_only_what_is_everybodys_is_answered(
    whole: Whole, tmp_path: Path
) -> None:
    whole.apply()
    for route in TABLE:
        method, path = at(route)
        said = whole.remote.ask(method, path, body_of(route, tmp_path))
        if MAY[route] == EVERYBODY:
            assert said.status_code == 200, route
        else:
            problem(said, 401)


@pytest.mark.parametrize("role", ["viewer", "ci"])
def test_what_a_role_may_not_do_changes_nothing(whole: Whole, tmp_path: Path, role: str) -> None:
    whole.apply()
    bearer = token(whole, role)

    def head() -> Any:
        return whole.operators.ask("GET", "/api/hub/journal?limit=1").json["head"]

    before = head()
    for route in TABLE:
        if role not in MAY[route].split():
            method, path = at(route)
            whole.remote.ask(method, path, body_of(route, tmp_path), bearer=bearer)
    assert head() == before
    assert not (tmp_path / "backup").exists()


def test_what_ci_reads_holds_no_prompt_and_no_result(whole: Whole) -> None:
    whole.apply()
    made = whole.operators.ask("POST", "/api/hub/tasks", {"prompt": "canary-in-a-prompt"})
    assert made.status_code == 201
    bearer = token(whole, "ci")
    for route in TABLE:
        if "ci" in MAY[route].split() and route.startswith("GET"):
            assert "canary" not in whole.remote.ask(*at(route), bearer=bearer).text, route


def test_whoami_says_name_and_role(whole: Whole) -> None:
    bearer = token(whole, "ci")
    said = whole.remote.ask("GET", "/api/hub/whoami", bearer=bearer).json
    assert said == {"name": "token:a-ci", "role": "ci"}
    assert whole.operators.ask("GET", "/api/hub/whoami").json["role"] == "admin"


@pytest.mark.parametrize("path", ["/api/hub/tasks", "/api/hub/generations"])
def test_who_may_not_at_all_has_no_body_looked_at(whole: Whole, path: str) -> None:
    """A generation has megabytes, and a schema is judged: neither is work for a viewer's token."""
    whole.apply()
    for role, status in (("viewer", 403), ("ci", 403), ("operator", 400)):
        said = whole.remote.ask("POST", path, "no JSON at all", bearer=token(whole, role))
        assert said.status_code == status, role


def test_before_a_token_is_looked_at_no_body_of_any_size_is(whole: Whole) -> None:
    said = whole.agents.ask("POST", "/api/hub/svid", '{"a": "' + "x" * 1000 + '"}')
    problem(said, 413)


def test_over_its_rate_an_instance_has_no_body_looked_at(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, svid = whole.living()
    messages = "/api/hub/messages"
    problem(whole.agents.ask("POST", messages, "no JSON", bearer=svid), 400)
    monkeypatch.setattr("agentctl.hub.agents.Rate.wait_s", lambda *_: 1.0)
    for method, path in (("POST", messages), ("GET", messages), ("GET", "/api/hub/colleagues")):
        body = "no JSON" if method == "POST" else None
        problem(whole.agents.ask(method, path, body, bearer=svid), 429)
