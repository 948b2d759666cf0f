"""The operators' and the reconciler's API over the real services: statuses, shapes, who may what."""

import pytest

from agentctl.model.principal import Peer
from tests.contract.hub.conftest import CONTAINER, Whole
from tests.contract.hub.test_the_wire_to_agents import problem, submit

TASK_FIELDS = {
    "id", "state", "sensitivity", "declared", "rule", "agent", "provider", "boundary", "instance",
    "container", "attempt", "held_reason", "submitted_by", "submitted_at_s", "started_at_s",
    "finished_at_s", "duration_s", "labels", "capabilities", "priority", "usage", "cost_usd",
    "result", "error", "decision", "generation",
}  # fmt: skip


def token(whole: Whole, role: str) -> str:
    made = whole.operators.ask(
        "POST", "/api/hub/tokens", {"name": f"a-{role}", "role": role, "ttl_s": 60}
    )
    assert made.status_code == 201
    found: str = made.json["token"]
    return found


def test_a_submitted_task_is_201_and_its_repeat_200_with_the_same_task(whole: Whole) -> None:
    whole.apply()
    key = {"Idempotency-Key": "job-7"}
    first = whole.operators.ask("POST", "/api/hub/tasks", {"prompt": "x"}, headers=key)
    again = whole.operators.ask("POST", "/api/hub/tasks", {"prompt": "x"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert first.json.keys() >= TASK_FIELDS
    other = whole.operators.ask("POST", "/api/hub/tasks", {"prompt": "y"}, headers=key)
    problem(other, 409)


def test_before_the_first_apply_a_submit_is_told_to_come_back(whole: Whole) -> None:
    result = whole.operators.ask("POST", "/api/hub/tasks", {"prompt": "x"})
    assert "agentctl apply" in problem(result, 503)["hint"]
    assert int(result.headers["retry-after"]) >= 1


def test_lists_are_one_object_with_one_named_array_and_pages_follow_each_other(
    whole: Whole,
) -> None:
    whole.apply()
    ids = [submit(whole) for _ in range(5)]
    first = whole.operators.ask("GET", "/api/hub/tasks?limit=3&state=queued&agent=researcher").json
    assert [each["id"] for each in first["tasks"]] == ids[:1:-1]
    second = whole.operators.ask("GET", f"/api/hub/tasks?limit=3&before={first['next']}").json
    assert [each["id"] for each in second["tasks"]][-1] == ids[0]
    assert second["next"] is None


def test_a_generation_is_applied_once_and_only_onto_the_one_it_was_planned_against(
    whole: Whole,
) -> None:
    assert whole.apply().status_code == 201
    assert whole.apply().status_code == 200
    latest = whole.operators.ask("GET", "/api/hub/generations/latest").json
    assert (latest["number"], latest["desired"]["fleet"]) == (1, "acme")
    stale = {"desired": {**latest["desired"], "agents": []}, "expected": 0}
    problem(whole.operators.ask("POST", "/api/hub/generations", stale), 409)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_and_metrics_need_no_credential(whole: Whole, path: str) -> None:
    assert whole.remote.ask("GET", path).status_code == 200


def test_readyz_says_503_and_why_while_paused(whole: Whole) -> None:
    whole.operators.ask("POST", "/api/hub/mode", {"mode": "paused", "reason": "upgrade"})
    result = whole.remote.ask("GET", "/readyz")
    assert (result.status_code, result.json["reason"]) == (503, "upgrade")
    assert whole.remote.ask("GET", "/healthz").status_code == 200


@pytest.mark.parametrize("peer", [Peer(), Peer(pid=9, uid=12345, gid=12345)])
def test_on_the_operators_socket_only_the_hubs_own_account_and_root_are_known(
    whole: Whole, peer: Peer
) -> None:
    problem(whole.operators.ask("GET", "/api/hub/status", peer=peer), 401)


def test_an_agents_credential_is_none_among_operators_and_an_operators_none_among_agents(
    whole: Whole,
) -> None:
    _, svid = whole.living()
    problem(whole.remote.ask("GET", "/api/hub/status", bearer=svid), 401)
    problem(whole.agents.ask("GET", "/api/hub/messages", bearer=token(whole, "admin")), 401)


def test_the_reconcilers_steps_from_reserved_to_recycled(whole: Whole) -> None:
    whole.apply()
    reserved = whole.reserve()
    assert reserved.status_code == 201
    assert reserved.json.keys() == {
        "instance", "label", "provider", "boundary", "installation", "fleet", "workspace",
    }  # fmt: skip
    at = f"/api/hub/instances/{reserved.json['instance']}"
    problem(whole.reserve(), 409)
    bound = whole.reconciler.ask("POST", f"{at}/bind", {"container": CONTAINER})
    assert bound.json["boot"]["instance_token"].startswith("it1.")
    assert whole.reconciler.ask("POST", f"{at}/state", {"state": "running"}).status_code == 200
    assert whole.reconciler.ask("POST", f"{at}/drain", {"reason": "drift"}).json == {"task": None}
    assert whole.reconciler.ask("POST", f"{at}/state", {"state": "recycled"}).status_code == 200
    missing = "/api/hub/instances/inst-01none/drain"
    problem(whole.reconciler.ask("POST", missing, {"reason": "x"}), 404)


def test_what_the_reconciler_desires_and_reports_comes_back_to_the_operators(whole: Whole) -> None:
    nothing = whole.reconciler.ask("GET", "/api/hub/desired?after=0").json
    assert (nothing["generation"], nothing["desired"]) == (0, None)
    whole.apply()
    some = whole.reconciler.ask("GET", "/api/hub/desired?after=0&wait=20").json
    assert (some["generation"], some["desired"]["fleet"]) == (1, "acme")
    assert whole.reconciler.ask("GET", "/api/hub/desired?after=1").json["desired"] is None
    action = {
        "verb": "create", "host": "local", "agent": "researcher", "replica": 0,
        "causes": ["missing"], "state": "done", "error": "",
    }  # fmt: skip
    seen = {"name": "local", "reachable": True, "error": ""}
    report = {"generation": 1, "at_s": 1.0, "converged": True, "actions": [action], "hosts": [seen]}
    assert whole.reconciler.ask("POST", "/api/hub/passes", report).json == {}
    assert whole.operators.ask("GET", "/api/hub/plan").json["actions"] == [action]
    host = {"name": "local", "error": "", "engine": "20.10", "containers": []}
    observed = whole.reconciler.ask("POST", "/api/hub/observed", {"hosts": [host]})
    assert observed.json == {
        "mode": "normal",
        "instances": [],
        "demand": [],
        "quarantined": [],
        "refused": [],
        "births": [],
    }


@pytest.mark.parametrize(
    "name", ["agents", "operators", "remote", "reconciler", "gateway", "egress"]
)
def test_a_listener_has_its_own_routes_and_no_others(whole: Whole, name: str) -> None:
    everywhere = {
        "/api/hub/messages": "agents",
        "/api/hub/status": "operators",
        "/api/hub/desired": "reconciler",
        "/api/hub/model-calls": "gateway",
        "/api/hub/tunnels": "egress",
    }
    for path, owner in everywhere.items():
        result = getattr(whole, name).ask("GET", path)
        mine = owner in (name, {"remote": "operators"}.get(name))
        assert (result.status_code == 404) is not mine, path


def test_panic_is_an_operators_order_that_readyz_tells_and_only_a_resume_ends(
    whole: Whole,
) -> None:
    order = {"mode": "panic", "reason": "a leak"}
    assert whole.operators.ask("POST", "/api/hub/mode", order).json["mode"] == "panic"
    ready = whole.remote.ask("GET", "/readyz")
    assert (ready.status_code, ready.json["mode"], ready.json["reason"]) == (503, "panic", "a leak")
    assert ready.json["causes"] == []
    problem(whole.operators.ask("POST", "/api/hub/mode", {"mode": "paused"}), 409)
    assert whole.operators.ask("POST", "/api/hub/mode", {"mode": "normal"}).status_code == 200
    assert whole.remote.ask("GET", "/readyz").status_code == 200


def test_findings_of_the_reconciler_become_alerts_that_operators_read(whole: Whole) -> None:
    finding = {"check": "orphan", "subject": "local/x", "severity": "warning", "words": "no record"}
    path = "/api/hub/alerts/report"
    given = whole.reconciler.ask("POST", path, {"findings": [finding], "told": 0}).json["alerts"]
    assert [(each["seq"], each["state"], each["check"]) for each in given] == [
        (1, "firing", "orphan")
    ]
    assert whole.operators.ask("GET", "/api/hub/alerts").json["alerts"] == given
    whole.reconciler.ask("POST", path, {"findings": [], "told": 1})
    assert whole.operators.ask("GET", "/api/hub/alerts").json["alerts"] == []
    (kept,) = whole.operators.ask("GET", "/api/hub/alerts?all=true").json["alerts"]
    assert kept["state"] == "resolved"
    problem(whole.operators.ask("GET", "/api/hub/alerts?all=maybe"), 422)
    problem(whole.reconciler.ask("POST", path, {"findings": [{"check": "X"}], "told": 0}), 422)
    problem(whole.operators.ask("POST", path, {"findings": [], "told": 0}), 404)
