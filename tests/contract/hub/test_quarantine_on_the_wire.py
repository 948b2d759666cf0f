"""Setting an agent apart over the API: who may, what it answers, and what becomes of its credentials."""

import pytest

from tests.contract.hub.conftest import CONTAINER, Whole
from tests.contract.hub.test_operators_and_the_reconciler import token
from tests.contract.hub.test_the_wire_to_agents import POLL, problem, submit

APART = "/api/hub/agents/researcher/quarantine"
BACK = "/api/hub/agents/researcher/release"


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("ci", 403), ("operator", 200), ("admin", 200)]
)
def test_it_takes_an_operator_or_an_admin(whole: Whole, role: str, status: int) -> None:
    whole.apply()
    bearer = token(whole, role)
    assert whole.remote.ask("POST", APART, {"why": "odd"}, bearer=bearer).status_code == status
    if status == 403:
        assert whole.operators.ask("POST", APART, {}).status_code == 200
        refused = whole.remote.ask("POST", BACK, {}, bearer=bearer)
        assert problem(refused, 403)["rule"] == "roles"
        return
    assert whole.remote.ask("POST", BACK, {}, bearer=bearer).json["why"] == "odd"


def test_without_a_credential_nobody_is_set_apart(whole: Whole) -> None:
    whole.apply()
    problem(whole.remote.ask("POST", APART, {}), 401)
    problem(whole.remote.ask("POST", BACK, {}), 401)


def test_it_answers_what_it_ended_and_shows_it_where_operators_look(whole: Whole) -> None:
    instance, svid = whole.living()
    task = submit(whole, sensitivity="confidential")
    assert whole.agents.ask("GET", POLL, bearer=svid).json["messages"]
    found = whole.operators.ask("POST", APART, {"why": "odd"}).json
    assert (found["agent"], found["containers"], found["tasks"]) == ("researcher", 1, [task])
    [row] = whole.operators.ask("GET", "/api/hub/status").json["quarantined"]
    assert (row["agent"], row["why"]) == ("researcher", "odd")
    shown = whole.operators.ask("GET", "/api/hub/agents/researcher").json
    assert shown["declared"][0]["quarantined"]["why"] == "odd"
    held = whole.operators.ask("GET", f"/api/hub/tasks/{task}").json
    assert held["state"] == "held"
    assert "quarantined" in held["held_reason"]
    for method, path in (("GET", POLL), ("GET", "/api/hub/colleagues")):
        refused = problem(whole.agents.ask(method, path, bearer=svid), 401)
        assert instance in refused["detail"]


def test_its_model_token_is_dead_with_it(whole: Whole) -> None:
    _, svid = whole.living()
    submit(whole, sensitivity="confidential")
    [given] = whole.agents.ask("GET", POLL, bearer=svid).json["messages"]
    call = {
        "token": given["payload"]["model_token"],
        "container": CONTAINER,
        "provider": "ollama",
        "path": "/v1/messages",
        "model": "qwen3",
    }
    opened = whole.gateway.ask("POST", "/api/hub/model-calls", call)
    assert opened.status_code < 300, opened.text
    whole.operators.ask("POST", APART, {})
    problem(whole.gateway.ask("POST", "/api/hub/model-calls", call), 409)
    current = {"calls": [opened.json["call"]]}
    answer = whole.gateway.ask("POST", "/api/hub/model-calls/current", current)
    assert answer.json == {"current": []}


def test_unknown_names_and_bad_reasons_are_refused(whole: Whole) -> None:
    whole.apply()
    problem(whole.operators.ask("POST", "/api/hub/agents/nobody/quarantine", {}), 404)
    problem(whole.operators.ask("POST", BACK, {}), 404)
    problem(whole.operators.ask("POST", APART, {"why": "x" * 501}), 422)
    problem(whole.operators.ask("POST", APART, {"reason": "x"}), 422)
