"""What the hub says to agents meets schemas/wire, over a task's whole life; so do its refusals."""

import json
from typing import Any

import falcon.testing
import jsonschema_rs
import pytest

from agentctl.hub.bodies import schema
from agentctl.model.principal import Peer
from tests.contract.hub.conftest import CONTAINER, ELSEWHERE, Whole

MESSAGES = "/api/hub/messages"
POLL = f"{MESSAGES}?slots=1"


def meets(name: str, result: falcon.testing.Result, status: int = 200) -> Any:
    assert result.status_code == status, result.text
    schema(f"wire/{name}").check(result.json)
    return result.json


def problem(result: falcon.testing.Result, status: int) -> dict[str, Any]:
    assert result.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = meets("problem", result, status)
    assert found["status"] == status
    return found


def submit(whole: Whole, **extra: Any) -> str:
    made = whole.operators.ask("POST", "/api/hub/tasks", {"prompt": "hello", **extra})
    assert made.status_code == 201, made.text
    task: str = made.json["id"]
    return task


def message(kind: str, task: str, attempt: int = 1, **payload: Any) -> dict[str, Any]:
    return {"id": f"m-{kind}", "type": kind, "task": task, "attempt": attempt, "payload": payload}


def test_a_tasks_whole_life_meets_the_schemas(whole: Whole) -> None:
    _, svid = whole.living()
    task = submit(whole, labels={"a": "b"}, budget={"usd": 1, "tokens": 10, "turns": 2})
    [assigned] = meets("messages.answer", whole.agents.ask("GET", POLL, bearer=svid))["messages"]
    assert (assigned["type"], assigned["task"]) == ("task.assigned", task)
    said = [
        message("task.accepted", task),
        message("task.progress", task, turns=1, note="reading"),
        {
            "id": "h",
            "type": "agent.heartbeat",
            "payload": {"holds": [{"task": task, "attempt": 1}]},
        },
        message("task.completed", task, text="done", cost_usd=0.1),
    ]
    for each in said:
        answer = whole.agents.ask("POST", MESSAGES, each, bearer=svid)
        assert meets("message.answer", answer)["id"] == each["id"]
    held = whole.agents.ask("GET", f"{POLL}&holds={task}:1", bearer=svid)
    [lost] = meets("messages.answer", held)["messages"]
    assert lost["type"] == "task.lost"


def test_the_answer_to_a_result_brings_the_next_task(whole: Whole) -> None:
    _, svid = whole.living()
    first = submit(whole)
    whole.agents.ask("GET", POLL, bearer=svid)
    second = submit(whole)
    whole.agents.ask("POST", MESSAGES, message("task.accepted", first), bearer=svid)
    done = message("task.completed", first, text="done")
    answer = whole.agents.ask("POST", f"{MESSAGES}?slots=1", done, bearer=svid)
    [assigned] = meets("message.answer", answer)["messages"]
    assert (assigned["type"], assigned["task"]) == ("task.assigned", second)
    refused = whole.agents.ask("POST", f"{MESSAGES}?slots=65", done, bearer=svid)
    assert problem(refused, 422)


def test_a_cancelled_task_is_told_to_who_holds_it(whole: Whole) -> None:
    _, svid = whole.living()
    task = submit(whole)
    whole.agents.ask("GET", POLL, bearer=svid)
    assert whole.operators.ask("DELETE", f"/api/hub/tasks/{task}").json["state"] == "cancelled"
    told = whole.agents.ask("GET", f"{MESSAGES}?holds={task}:1", bearer=svid)
    [cancel] = meets("messages.answer", told)["messages"]
    assert cancel["type"] == "task.cancel"


def test_a_bought_svid_meets_its_schema(whole: Whole) -> None:
    assert whole.apply().status_code == 201
    instance = whole.reserve().json["instance"]
    bound = whole.reconciler.ask(
        "POST", f"/api/hub/instances/{instance}/bind", {"container": CONTAINER}
    )
    token = bound.json["boot"]["instance_token"]
    answer = whole.agents.ask("POST", "/api/hub/svid", {}, bearer=token)
    assert meets("svid.answer", answer)["spiffe_id"] == f"spiffe://acme/agent/researcher/{instance}"
    again = whole.reconciler.ask(
        "POST", f"/api/hub/instances/{instance}/bind", {"container": CONTAINER}
    )
    assert token not in again.text
    assert problem(again, 409)


def test_a_repeated_message_gets_the_first_answer_and_a_stale_attempt_a_conflict(
    whole: Whole,
) -> None:
    _, svid = whole.living()
    task = submit(whole)
    whole.agents.ask("GET", POLL, bearer=svid)
    whole.agents.ask("POST", MESSAGES, message("task.accepted", task), bearer=svid)
    done = message("task.completed", task, text="done")
    first = whole.agents.ask("POST", MESSAGES, done, bearer=svid)
    assert first.status_code == 200, first.text
    assert whole.agents.ask("POST", MESSAGES, done, bearer=svid).json == first.json
    stale = {**message("task.failed", task, 2, text="", reason="crashed", detail="",
                       retryable=False, partial=False), "id": "other"}  # fmt: skip
    problem(whole.agents.ask("POST", MESSAGES, stale, bearer=svid), 409)


@pytest.mark.parametrize("bearer", ["", "nonsense", f"it1.inst-01.{'s' * 43}", "a.b.c"])
@pytest.mark.parametrize("path", [MESSAGES, "/api/hub/svid"])
def test_without_a_credential_that_verifies_nothing_is_said(
    whole: Whole, bearer: str, path: str
) -> None:
    whole.living()
    method = "GET" if path == MESSAGES else "POST"
    result = whole.agents.ask(method, path, {} if method == "POST" else None, bearer=bearer)
    problem(result, 401)
    assert not bearer or bearer not in result.text


@pytest.mark.parametrize("container", ["", ELSEWHERE, "process:1:1"])
def test_credentials_are_worth_nothing_from_another_container(whole: Whole, container: str) -> None:
    _, svid = whole.living()
    elsewhere = Peer(pid=3, uid=10001, gid=10001, container=container)
    problem(whole.agents.ask("GET", POLL, bearer=svid, peer=elsewhere), 401)


def test_an_ended_instances_svid_is_worth_nothing(whole: Whole) -> None:
    instance, svid = whole.living()
    ended = {"state": "recycled", "reason": "ttl"}
    whole.reconciler.ask("POST", f"/api/hub/instances/{instance}/state", ended)
    problem(whole.agents.ask("GET", POLL, bearer=svid), 401)


def test_a_model_call_is_granted_to_the_current_attempt_from_its_own_container(
    whole: Whole,
) -> None:
    _, svid = whole.living()
    task = submit(whole)
    [assigned] = whole.agents.ask("GET", POLL, bearer=svid).json["messages"]
    wanted = {
        "token": assigned["payload"]["model_token"],
        "container": CONTAINER,
        "provider": "ollama",
        "path": "/v1/messages",
        "model": "qwen3",
    }
    calls = "/api/hub/model-calls"
    granted = whole.gateway.ask("POST", calls, wanted)
    assert granted.json["task"] == task
    for bent, status in [
        ({"container": ELSEWHERE}, 401),
        ({"container": ""}, 401),
        ({"token": "mt1.x"}, 401),
        ({"provider": "opus"}, 403),
        ({"path": "/v1/models"}, 403),
        ({"model": "gpt"}, 403),
    ]:
        refused = whole.gateway.ask("POST", calls, {**wanted, **bent})
        problem(refused, status)
        assert wanted["token"] not in refused.text
    call = granted.json["call"]
    asked = whole.gateway.ask("POST", f"{calls}/current", {"calls": [call, "call-other"]})
    assert asked.json == {"current": [call]}
    assert whole.gateway.ask("POST", f"{calls}/{call}/usage", {"input_tokens": 3}).json == {}
    whole.operators.ask("DELETE", f"/api/hub/tasks/{task}")
    problem(whole.gateway.ask("POST", calls, wanted), 409)


def test_a_bent_model_token_buys_no_call_and_says_nothing_of_tasks(whole: Whole) -> None:
    instance, svid = whole.living()
    task = submit(whole)
    [assigned] = whole.agents.ask("GET", POLL, bearer=svid).json["messages"]
    token = assigned["payload"]["model_token"]
    prefix, named, attempt, holder, seal = token.split(".")
    ended = submit(whole)
    whole.operators.ask("DELETE", f"/api/hub/tasks/{ended}")
    flipped = seal[:-2] + ("A" if seal[-2] != "A" else "B") + seal[-1]
    bent = {
        "another seal": f"{prefix}.{named}.{attempt}.{holder}.{'A' * 43}",
        "a seal that is nearly right": f"{prefix}.{named}.{attempt}.{holder}.{flipped}",
        "a seal cut": token[:-1],
        "a later attempt": f"{prefix}.{named}.2.{holder}.{seal}",
        "a task that has ended": f"{prefix}.{ended}.1.{holder}.{seal}",
        "another instance": f"{prefix}.{named}.{attempt}.inst-{'0' * 26}.{seal}",
        "no instance": f"{prefix}.{named}.{attempt}.{seal}",
        "attempt 0": f"{prefix}.{named}.0.{holder}.{seal}",
        "an attempt with a sign": f"{prefix}.{named}.+1.{holder}.{seal}",
        "an attempt with zeros before": f"{prefix}.{named}.01.{holder}.{seal}",
        "a task that never was": f"{prefix}.task-{'0' * 26}.{attempt}.{holder}.{seal}",
        "the task in capitals": f"{prefix}.{named.upper()}.{attempt}.{holder}.{seal}",
        "an instance for the task": f"{prefix}.{instance}.{attempt}.{holder}.{seal}",
        "another prefix": f"it1.{named}.{attempt}.{holder}.{seal}",
        "the prefix in capitals": f"MT1.{named}.{attempt}.{holder}.{seal}",
        "a newline": f"{token}\n",
        "padding": f"{token}=",
        "a sixth part": f"{token}.x",
        "the container's SVID": svid,
    }
    call = {"container": CONTAINER, "provider": "ollama", "path": "/v1/messages", "model": "qwen3"}
    details = set()
    for name, each in bent.items():
        refused = whole.gateway.ask("POST", "/api/hub/model-calls", {**call, "token": each})
        assert refused.status_code in (401, 422), name  # 422: it isn't even of a token's form
        if refused.status_code == 401:
            details.add(problem(refused, 401)["detail"])
        assert seal not in refused.text, name
        assert task not in refused.text, name
    assert details == {"no model token, or not one of this hub's"}
    granted = whole.gateway.ask("POST", "/api/hub/model-calls", {**call, "token": token})
    assert granted.status_code == 200


def test_the_schemas_of_this_contract_are_schemas() -> None:
    from agentctl.resources import root

    for folder in ("wire", "api"):
        for path in (root() / "schemas" / folder).glob("*.json"):
            document = json.loads(path.read_text())
            jsonschema_rs.meta.validate(document)
            name = path.name.removesuffix(".schema.json")
            assert document["$id"] == f"urn:agentctl:schema:{folder}:{name}"
