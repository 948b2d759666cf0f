"""Messages between agents as bytes: every answer and refusal meets its schema, no spelling forges a sender."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import falcon.testing
import pytest

from agentctl.hub.bodies import schema
from agentctl.model.digest import spec_hash
from agentctl.model.fleet import AgentSpec, Provider
from agentctl.model.principal import Peer
from agentctl.service import live
from tests.contract.hub.conftest import Whole
from tests.fakes.fleet import PRIVATE, PUBLIC
from tests.fakes.talk import DEVELOPER, LISTENING, PUBLISHING, WRITER, talkers

MESSAGES = "/api/hub/messages"
SPECS: dict[str, tuple[AgentSpec, Provider]] = {
    each.name: (each, PUBLIC if each is LISTENING else PRIVATE)
    for each in (PUBLISHING, DEVELOPER, WRITER, LISTENING)
}


@dataclass
class Agent:
    """A container with a task, on the wire."""

    whole: Whole
    instance: str
    container: str
    svid: str
    task: str

    @property
    def peer(self) -> Peer:
        return Peer(pid=2, uid=10001, gid=10001, container=self.container)

    def post(self, body: Any, **headers: str) -> falcon.testing.Result:
        return self.whole.agents.ask(
            "POST", MESSAGES, body, bearer=self.svid, peer=self.peer, headers=headers
        )

    def get(self, query: str = "mail=16", path: str = MESSAGES) -> falcon.testing.Result:
        held = f"&holds={self.task}:1" if path == MESSAGES else ""
        asked = f"{path}?{query}{held}" if query else path
        return self.whole.agents.ask("GET", asked, bearer=self.svid, peer=self.peer)

    def message(self, type_: str, to: Any, message_id: str = "m-1", **more: Any) -> dict[str, Any]:
        return {
            "id": message_id,
            "type": type_,
            "task": self.task,
            "attempt": 1,
            "to": to,
            "payload": {"text": "hello"},
            **more,
        }


@pytest.fixture
def office(whole: Whole) -> Whole:
    assert whole.apply(talkers()).status_code == 201
    return whole


def at_work(whole: Whole, name: str, *, replica: int = 0) -> Agent:
    spec, provider = SPECS[name]
    made = whole.operators.ask(
        "POST", "/api/hub/tasks", {"prompt": "x", "agent": name, "sensitivity": "internal"}
    )
    reserved = whole.reconciler.ask(
        "POST",
        "/api/hub/instances",
        {
            "agent": name,
            "host": "local",
            "replica": replica,
            "spec": spec_hash(spec, provider),
            "generation": 1,
        },
    )
    instance, container = (
        reserved.json["instance"],
        sha256(f"{name}-{replica}".encode()).hexdigest(),
    )
    bound = whole.reconciler.ask(
        "POST", f"/api/hub/instances/{instance}/bind", {"container": container}
    )
    token = bound.json["boot"]["instance_token"]
    agent = Agent(whole, instance, container, "", made.json["id"])
    bought = whole.agents.ask("POST", "/api/hub/svid", {}, bearer=token, peer=agent.peer)
    agent = replace(agent, svid=bought.json["svid"])
    given = whole.agents.ask("GET", f"{MESSAGES}?slots=1", bearer=agent.svid, peer=agent.peer)
    assert [each["task"] for each in given.json["messages"]] == [agent.task]
    return agent


def meets(name: str, result: falcon.testing.Result, status: int = 200) -> Any:
    assert result.status_code == status, result.text
    schema(f"wire/{name}").check(result.json)
    return result.json


def problem(result: falcon.testing.Result, status: int, check: str | None) -> dict[str, Any]:
    found: dict[str, Any] = meets("problem", result, status)
    assert (found["status"], found.get("check")) == (status, check)
    return found


def journal(whole: Whole, kind: str) -> list[dict[str, Any]]:
    found = whole.operators.ask("GET", "/api/hub/journal?limit=1000").json["lines"]
    return [each["entry"] for each in found if each["entry"]["kind"] == kind]


def test_every_type_of_message_meets_its_schemas_both_ways(office: Whole) -> None:
    me, developer = at_work(office, "researcher"), at_work(office, "developer")
    sent = meets("message.answer", me.post(me.message("request", {"agent": "developer"}, "a")))
    meets("message.answer", me.post(me.message("event", {"topic": "builds"}, "b")))
    meets("message.answer", me.post(me.message("broadcast", {"labels": {"team": "core"}}, "c")))
    got = meets("messages.answer", developer.get())["messages"]
    assert sorted(each["type"] for each in got) == ["broadcast", "event", "request"]
    reply = developer.message("reply", {"message": sent["message"]}, "d")
    meets("message.answer", developer.post(reply))
    [answer] = meets("messages.answer", me.get())["messages"]
    assert (answer["type"], answer["answers"]) == ("reply", sent["message"])
    assert meets("messages.answer", developer.get("mail=0"))["messages"] == []
    seen = f"mail=16&seen={got[-1]['id']}"
    assert meets("messages.answer", developer.get(seen))["messages"] == []


@pytest.mark.parametrize(
    "forged",
    [
        {"from": {"agent": "developer"}},
        {"sender": "spiffe://acme/agent/developer/inst-1"},
        {"label": "public"},
        {"agent": "developer"},
        {"instance": "inst-1"},
        {"hops": 0},
        {"topic": "builds"},
        {"answers": "msg-" + "0" * 26},
    ],
)
def test_a_sender_cannot_be_put_into_a_message(office: Whole, forged: dict[str, Any]) -> None:
    me, developer = at_work(office, "researcher"), at_work(office, "developer")
    [name] = forged
    found = problem(me.post(me.message("request", {"agent": "developer"}, **forged)), 422, "schema")
    assert found["errors"] == [{"pointer": f"/{name}", "detail": "is unknown"}]
    [line] = journal(office, "message.refused")
    assert (line["who"], line["facts"]["check"]) == (
        f"spiffe://acme/agent/researcher/{me.instance}",
        "schema",
    )
    assert developer.get().json["messages"] == []


@pytest.mark.parametrize(
    "to",
    [
        {"agent": "developer\n"},
        {"agent": "developer "},
        {"agent": "Developer"},
        {"agent": ""},
        {"agent": ["developer"]},
        {"agent": None},
        {"agent": "developer", "topic": "builds"},
        {},
        None,
        "developer",
        [],
    ],
)
def test_a_recipient_is_one_exact_name(office: Whole, to: Any) -> None:
    me, developer = at_work(office, "researcher"), at_work(office, "developer")
    problem(me.post(me.message("request", to)), 422, "schema")
    assert developer.get().json["messages"] == []


@pytest.mark.parametrize(
    ("type_", "to"),
    [
        ("event", {"topic": "builds\n"}),
        ("event", {"topic": "Builds"}),
        ("event", {}),
        ("reply", {"message": "msg-1"}),
        ("reply", {"message": "msg-" + "0" * 26 + "\n"}),
        ("broadcast", {}),
        ("broadcast", {"agents": []}),
        ("broadcast", {"agents": ["*"] * 17}),
        ("broadcast", {"agents": ["[a-z]*"]}),
        ("broadcast", {"agents": ["dev*\n"]}),
        ("broadcast", {"everyone": True}),
        ("broadcast", {"labels": {}}),
        ("broadcast", {"labels": {"team": 1}}),
        ("broadcast", {"capabilities": [""]}),
    ],
)
def test_topics_requests_and_filters_are_exact_too(office: Whole, type_: str, to: Any) -> None:
    me = at_work(office, "researcher")
    problem(me.post(me.message(type_, to)), 422, "schema")


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "m\n"},
        {"id": "m" * 65},
        {"id": ""},
        {"id": None},
        {"id": {"a": 1}},
        {"task": "task-1"},
        {"task": ["x"]},
        {"attempt": 0},
        {"attempt": True},
        {"attempt": "1"},
        {"payload": []},
        {"payload": "text"},
        {"payload": None},
        {"kind": "text\n"},
        {"kind": 1},
        {"timeout_s": 0},
        {"timeout_s": 601},
        {"timeout_s": True},
    ],
)
def test_everything_else_of_a_message_is_checked_and_refused_for_good(
    office: Whole, changed: dict[str, Any]
) -> None:
    me = at_work(office, "researcher")
    body = me.message("request", {"agent": "developer"}, **changed)
    first = problem(me.post(body), 422, "schema")
    assert problem(me.post(body), 422, "schema") == first
    assert journal(office, "message.sent") == []


def test_a_refused_form_is_remembered_by_its_id(office: Whole) -> None:
    me = at_work(office, "researcher")
    at_work(office, "developer")
    bad = me.message("request", {"agent": "developer"}, attempt=0)
    problem(me.post(bad), 422, "schema")
    problem(me.post({**bad, "attempt": 1}), 409, "identity")
    assert me.post({**bad, "attempt": 1, "id": "m-2"}).status_code == 200


@pytest.mark.parametrize(
    "type_", [None, 1, True, [], {}, "task.assigned", "delegated", "request\n", "REQUEST"]
)
def test_an_unknown_type_is_invalid_input_and_nothing_more(office: Whole, type_: Any) -> None:
    me = at_work(office, "researcher")
    problem(me.post({**me.message("request", {}), "type": type_}), 422, None)
    assert journal(office, "message.refused") == []


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":"m","type":"request","type":"event","task":"t","attempt":1,"to":{},"payload":{}}',
        b'{"id":"m","type":"request","payload":{"text":"a","text":"b"}}',
        b'{"id":"m","type":"request","payload":{"text":"\\ud800"}}',
        b'{"id":"m","type":"request","payload":{"a":NaN}}',
        b'{"id":"m","type":"request","payload":' + b'{"a":' * 40 + b"1" + b"}" * 41,
        b"[" * 100_000,
        b"",
        b"\xff",
    ],
)
def test_what_is_no_strict_json_is_no_message(office: Whole, raw: bytes) -> None:
    me = at_work(office, "researcher")
    result = me.post(raw, **{"Content-Type": "application/json"})
    meets("problem", result, 400)
    assert journal(office, "message.refused") == []


def test_a_payload_as_deep_and_wide_as_json_may_be_is_refused_in_words(office: Whole) -> None:
    me = at_work(office, "researcher")
    deep: Any = 1
    for _ in range(28):
        deep = {"a": deep}
    for number, payload in enumerate(
        (
            {"text": deep},
            {"text": [0] * 60_000},
            {str(at): at for at in range(90)},
            {"text": "x" * 70_000},
        )
    ):
        body = me.message("request", {"agent": "developer"}, f"m-{number}", payload=payload)
        found = problem(me.post(body), 422, "schema")
        assert len(json.dumps(found)) < 8_000


def test_too_large_a_message_is_too_large(office: Whole) -> None:
    me = at_work(office, "researcher")
    body = me.message("request", {"agent": "developer"}, payload={"text": "x" * 300_000})
    meets("problem", me.post(body), 413)


def test_a_throttled_message_says_when_to_come_back(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(live, "RATE_BURST", 2)
    monkeypatch.setattr(live, "RATE_PER_S", 0.01)
    me = at_work(request.getfixturevalue("office"), "researcher")
    for number in range(2):
        sent = me.message("request", {"agent": "developer"}, f"m-{number}")
        assert me.post(sent).status_code == 200
    over = me.post(me.message("request", {"agent": "developer"}, "m-3"))
    problem(over, 429, "mailbox")
    assert 90 <= int(over.headers["retry-after"]) <= 100


def test_mail_is_its_readers_alone(office: Whole) -> None:
    me, developer, writer = (
        at_work(office, name) for name in ("researcher", "developer", "writer")
    )
    me.post(me.message("request", {"agent": "developer"}))
    assert writer.get().json["messages"] == []
    elsewhere = office.agents.ask(
        "GET", f"{MESSAGES}?mail=16", bearer=developer.svid, peer=writer.peer
    )
    problem(elsewhere, 401, None)
    assert len(developer.get().json["messages"]) == 1


def test_colleagues_are_those_whom_rules_and_labels_let_an_agent_reach(office: Whole) -> None:
    me, public = at_work(office, "researcher"), at_work(office, "thinker")
    found = meets("colleagues.answer", me.get("", "/api/hub/colleagues"))["agents"]
    assert [(each["name"], each["may"]) for each in found] == [
        ("developer", ["request"]),
        ("researcher", ["request"]),
        ("writer", ["request"]),
    ]
    assert found[0] == {
        "name": "developer",
        "capabilities": ["code"],
        "labels": {"team": "core"},
        "may": ["request"],
        "topics": ["builds"],
    }
    seen = meets("colleagues.answer", public.get("", "/api/hub/colleagues"))["agents"]
    assert [each["name"] for each in seen] == ["developer", "researcher", "thinker", "writer"]


def test_without_a_rule_an_agent_has_no_colleagues(whole: Whole) -> None:
    assert whole.apply(talkers(rules=())).status_code == 201
    me = at_work(whole, "researcher")
    assert me.get("", "/api/hub/colleagues").json == {"agents": []}
    problem(whole.agents.ask("GET", "/api/hub/colleagues"), 401, None)
