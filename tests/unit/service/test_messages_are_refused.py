"""What an agent may not say: by which check, to its face and in the journal, the same on every repeat."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentctl.errors import AgentctlError, Conflict, Refused, StoreUnavailable
from agentctl.model.digest import digest
from agentctl.model.fleet import AccessRule, Effect, MessageKind
from agentctl.model.instance import InstanceState
from agentctl.model.message import FAN_OUT_MAX, HOPS_MAX, RATE_BURST, Letter
from agentctl.model.mode import Mode, ModeName
from agentctl.service import alerts, instances
from agentctl.service.report import report
from agentctl.store import Store, answers, decisions
from tests.fakes.talk import (
    DEVELOPER,
    LISTENING,
    PUBLISHING,
    WRITER,
    Talker,
    at_work,
    lines,
    refused,
    sha256,
    talkers,
)
from tests.unit.service.conftest import HubAtHand

THINKER_TOO = replace(LISTENING, name="thinker-too")
Say = Callable[[Talker], Any]


@pytest.fixture
def office(bare: HubAtHand) -> HubAtHand:
    bare.apply(talkers())
    return bare


@pytest.fixture
def researcher(office: HubAtHand) -> Talker:
    return at_work(office, "researcher")


@pytest.fixture
def developer(office: HubAtHand) -> Talker:
    return at_work(office, "developer")


@pytest.mark.parametrize(
    ("say", "check", "status", "why"),
    [
        (lambda me: me.request("developer", kind="poem"), "schema", 422, "the kind is no kind"),
        (lambda me: me.request("developer", payload={}), "schema", 422, "not of kind text"),
        (lambda me: me.request("developer", payload={"text": 1}), "schema", 422, "not of kind"),
        (lambda me: me.request("developer", payload={"text": ""}), "schema", 422, "not of kind"),
        (lambda me: me.request("developer", payload={"text": "x" * 32_769}), "schema", 422, "kind"),
        (
            lambda me: me.request("developer", payload={"text": "x", "from": "root"}),
            "schema",
            422,
            "",
        ),
        (lambda me: me.request("nobody"), "scope", 403, "no agent nobody is declared"),
        (lambda me: me.event("secrets"), "scope", 403, "researcher doesn't publish secrets"),
        (lambda me: me.reply("msg-" + "0" * 26), "scope", 403, "is no request that"),
        (lambda me: me.broadcast(agents=["nobody*"]), "scope", 403, "no agent is what"),
        (lambda me: me.request("thinker"), "label", 403, "thinker is cleared for internal"),
        (lambda me: me.broadcast(agents=["thinker"]), "label", 403, "thinker is cleared for"),
    ],
)
def test_each_check_refuses_in_its_words_and_on_record(
    office: HubAtHand, researcher: Talker, say: Say, check: str, status: int, why: str
) -> None:
    at_work(office, "thinker")
    with refused(check, status, why) as problem:
        say(researcher)
    [line] = lines(office, "message.refused")
    entry = line.entry
    assert (entry.who, entry.facts["check"]) == (researcher.who.spiffe_id, check)
    assert (entry.label, entry.facts["task"]) == ("confidential", researcher.task)
    assert problem["detail"] == entry.facts["reason"]
    assert problem.get("decision", "") == entry.decision
    assert lines(office, "message.sent") == []


def test_a_refusal_by_rules_is_a_decision_that_can_be_looked_up(
    office: HubAtHand, researcher: Talker
) -> None:
    with refused("label", 403) as problem:
        researcher.request("thinker", "canary")
    with office.hub.store.read() as txn:
        decided = decisions.get(txn, problem["decision"])
    assert decided is not None
    assert (decided.decision.allowed, decided.decision.rule) == (False, "label")
    [line] = lines(office, "message.refused")
    assert line.entry.facts["payload_sha256"] == sha256("canary")
    assert "canary" not in str(line)


def test_a_payload_is_named_to_its_sender_and_not_in_the_journal(
    office: HubAtHand, researcher: Talker
) -> None:
    with refused("schema", 422) as problem:
        researcher.request("developer", payload={"text": "x", "canary": 1})
    assert problem["errors"] == [{"pointer": "/payload/canary", "detail": "is unknown"}]
    assert "canary" not in str(lines(office, "message.refused"))


def test_the_first_check_that_refuses_speaks(office: HubAtHand, researcher: Talker) -> None:
    """A message wrong in every way is refused by the first check; mended there, by the next."""
    for to, payload, check in [
        ("nobody", {"text": 1}, "schema"),
        ("nobody", {"text": "x"}, "scope"),
        ("thinker", {"text": "x"}, "label"),
    ]:
        with refused(check, 422 if check == "schema" else 403):
            researcher.request(to, payload=payload)


@pytest.mark.parametrize("attempt", [2, 99])
def test_only_the_current_attempt_may_speak(
    office: HubAtHand, researcher: Talker, attempt: int
) -> None:
    with refused("identity", 409, "is not held by this container"):
        researcher.request("developer", attempt=attempt)
    assert lines(office, "message.refused")[0].entry.facts["check"] == "identity"


def test_nobody_speaks_under_anothers_task(researcher: Talker, developer: Talker) -> None:
    with refused("identity", 409):
        developer.request("writer", task=researcher.task)
    with refused("identity", 409):
        developer.request("writer", task="task-" + "9" * 26)


def test_a_container_whose_lease_ran_out_may_not_speak(
    office: HubAtHand, researcher: Talker
) -> None:
    from agentctl.service import watch

    office.clock.advance(40)
    watch.tick(office.hub)
    with refused("identity", 409):
        researcher.request("developer")


def test_without_a_rule_that_allows_it_nothing_may_be_said(bare: HubAtHand) -> None:
    bare.apply(talkers(rules=()))
    me = at_work(bare, "researcher")
    at_work(bare, "developer")
    says: list[Say] = [
        lambda me: me.request("developer"),
        lambda me: me.event(),
        lambda me: me.broadcast(agents=["*"]),
    ]
    for say in says:
        with refused("scope", 403, "no rule allows agent:researcher to message.send") as problem:
            say(me)
        assert problem["rule"] == "default-deny"


def test_whether_an_agent_exists_cannot_be_tried_out(bare: HubAtHand) -> None:
    bare.apply(talkers(rules=()))
    me = at_work(bare, "researcher")
    said = []
    for name in ("developer", "phantom"):
        with refused("scope", 403) as problem:
            me.request(name)
        said.append(problem["detail"].replace(name, "NAME"))
    assert said[0] == said[1]


def test_rules_see_recipient_type_level_and_kind(bare: HubAtHand) -> None:
    asked = []
    only = AccessRule(
        name="reviews alone",
        effect=Effect.ALLOW,
        verb="message.send",
        principal="agent:researcher",
        target="agent:developer",
        types=("request",),
        levels=("confidential",),
        capabilities=("code",),
    )
    bare.apply(talkers(rules=(only,)))
    me = at_work(bare, "researcher")
    policy = bare.hub.fleet.policy  # type: ignore[union-attr]
    me.request("developer")
    with refused("scope", 403):
        me.request("writer")
    with refused("scope", 403):
        me.broadcast(agents=["developer"])
    asked = [question for question in policy._standings if question.verb == "message.send"]
    assert {(each.type, each.kind, each.level) for each in asked} == {
        ("request", "text", "confidential"),
        ("broadcast", "text", "confidential"),
    }
    assert {each.capabilities for each in asked if each.target == "agent:developer"} == {("code",)}


def test_a_reply_may_not_go_below_its_label_though_the_request_could_come_up(
    office: HubAtHand, developer: Talker
) -> None:
    """The public agent may ask; what a confidential container answers stays where it is."""
    public = at_work(office, "thinker")
    sent = public.request("developer", "what do you know?")
    assert developer.poll()[0]["label"] == "internal"
    with refused("label", 403, "thinker is cleared for internal, the message is confidential"):
        developer.reply(sent["message"], "all of it")
    assert public.poll() == []


def test_a_request_is_answered_once_by_whom_it_was_handed_to(office: HubAtHand) -> None:
    asker = at_work(office, "developer")
    taker, other = at_work(office, "writer"), at_work(office, "writer", replica=1)
    sent = asker.request("writer")
    with refused("scope", 403, "is no request that this container was handed"):
        taker.reply(sent["message"])  # it waits still
    taker.poll()
    for stranger in (other, asker):
        with refused("scope", 403, "is no request that this container was handed"):
            stranger.reply(sent["message"])
    taker.reply(sent["message"], "once")
    with refused("scope", 403, "is no request that this container was handed"):
        taker.reply(sent["message"], "twice")
    assert asker.texts() == ["once"]
    assert taker.poll() == []


def test_a_request_past_its_time_is_answered_no_more(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    sent = researcher.request("developer", timeout_s=20)
    developer.poll()
    office.clock.advance(20)
    with refused("scope", 403, "is no request"):
        developer.reply(sent["message"])


def test_a_refused_reply_can_be_said_otherwise(researcher: Talker, developer: Talker) -> None:
    sent = researcher.request("developer")
    developer.poll()
    with refused("schema", 422):
        developer.reply(sent["message"], payload={})
    developer.reply(sent["message"], "so")
    assert researcher.texts() == ["so"]


def test_an_asker_that_has_ended_gets_no_reply(office: HubAtHand) -> None:
    asker, taker = at_work(office, "developer"), at_work(office, "writer")
    sent = asker.request("writer")
    taker.poll()
    instances.mark(office.hub, asker.who.instance, InstanceState.RECYCLING.value, "ttl")
    with refused("scope", 403, "the container that asked has ended"):
        taker.reply(sent["message"])


def test_a_repeated_id_gets_the_first_answer_and_sends_nothing_twice(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    message = researcher.message("request", {"agent": "developer"})
    assert researcher.say(message) == researcher.say(message)
    assert len(developer.poll()) == 1
    assert len(lines(office, "message.sent")) == 1
    with pytest.raises(Conflict, match="was used for another message"):
        researcher.say({**message, "payload": {"text": "other"}})


@pytest.mark.parametrize("to", ["nobody", "thinker"])
def test_a_repeated_id_gets_the_first_refusal_though_it_would_pass_now(
    office: HubAtHand, researcher: Talker, to: str
) -> None:
    message = researcher.message("request", {"agent": to})
    with refused("label" if to == "thinker" else "scope", 403) as first:
        researcher.say(message)
    cleared = replace(LISTENING, provider="ollama", clearance="restricted")
    office.apply(
        talkers(PUBLISHING, DEVELOPER, WRITER, cleared, THINKER_TOO, replace(WRITER, name="nobody"))
    )
    with refused(first["check"], 403) as again:
        researcher.say(message)
    assert again == first
    assert len(lines(office, "message.refused")) == 1
    assert researcher.request(to)["accepted"]


def test_answers_and_refusals_survive_the_hub(
    office: HubAtHand, researcher: Talker, tmp_path: Path
) -> None:
    good = researcher.message("request", {"agent": "developer"})
    bad = researcher.message("request", {"agent": "thinker"})
    first = researcher.say(good)
    with refused("label", 403) as problem:
        researcher.say(bad)
    office.hub.store.close()
    office.hub.store = Store.open(tmp_path / "store")
    office.hub.live = type(office.hub.live)()
    assert researcher.say(good) == first
    with refused("label", 403) as again:
        researcher.say(bad)
    assert again == problem


def test_a_repeat_gets_its_first_answer_though_its_attempt_is_over(
    researcher: Talker, developer: Talker
) -> None:
    message = researcher.message("event", {"topic": "builds"})
    first = researcher.say(message)
    researcher.say({**researcher.message("task.completed", {}), "id": "done"})
    assert researcher.say(message) == first


def test_answers_go_with_their_container(office: HubAtHand, researcher: Talker) -> None:
    message = researcher.message("request", {"agent": "developer"})
    researcher.say(message)
    instances.mark(office.hub, researcher.who.instance, InstanceState.RECYCLED.value, "ttl")
    with office.hub.store.read() as txn:
        assert answers.first(txn, researcher.who.instance, message["id"]) is None
    with pytest.raises(Conflict):
        researcher.say(message)


def test_a_worm_that_answers_each_message_with_two_stops_at_the_cap(bare: HubAtHand) -> None:
    """Two agents that send each other two requests for every one they get."""
    bare.apply(talkers())
    worms = {name: at_work(bare, name) for name in ("developer", "writer")}
    worms["developer"].request("writer", "spread")
    said = []
    for _ in range(3 * HOPS_MAX):
        for name, worm in worms.items():
            other = "writer" if name == "developer" else "developer"
            got = worm.poll()
            worm.poll(mail=0, seen=got[-1]["id"] if got else "")
            said += [outcome(worm, other) for _ in range(2 * len(got))]
            bare.clock.advance(1)
    assert {name: worm.poll() for name, worm in worms.items()} == {"developer": [], "writer": []}
    hops = [int(each.entry.facts["hops"]) for each in lines(bare, "message.sent")]
    assert (max(hops), len(hops)) == (HOPS_MAX, 1 + said.count("sent"))
    assert set(said) == {"sent", "hops"}


def outcome(worm: Talker, other: str) -> str:
    try:
        worm.request(other, "spread")
    except Refused as why:
        return why.rule or ""
    return "sent"


def test_hops_are_of_an_attempt_and_a_reply_adds_none(
    researcher: Talker, developer: Talker, office: HubAtHand
) -> None:
    for _ in range(HOPS_MAX + 2):
        sent = researcher.request("developer")
        developer.poll()
        developer.reply(sent["message"])
        [got] = researcher.poll()
        researcher.poll(seen=got["id"])
    assert {each.entry.facts.get("hops") for each in lines(office, "message.sent")} == {"1", None}


def test_a_task_that_came_by_messages_goes_on_from_there(office: HubAtHand) -> None:
    """A delegated task's hops stand on its record: a chain isn't cut by delegating."""
    from agentctl.store import tasks as task_table

    me = at_work(office, "researcher")

    def aged(txn: Any) -> None:
        task = task_table.get(txn, me.task)
        assert task is not None
        task_table.put(txn, replace(task, hops=HOPS_MAX))

    office.hub.store.write(aged)
    with refused("scope", 403, "in a chain"):
        me.request("developer")


def test_a_task_sends_so_many_messages_and_no_more(
    office: HubAtHand, researcher: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentctl.messages import scope

    monkeypatch.setattr(scope, "MESSAGES_OF_A_TASK_MAX", 3)
    researcher.request("developer")
    with refused("scope", 403, "no agent"):
        researcher.request("nobody")
    researcher.event()
    message = researcher.message("request", {"agent": "developer"})
    with refused("scope", 403, "the task has sent 3 messages"):
        researcher.say(message)
    with office.hub.store.read() as txn:
        assert answers.first(txn, researcher.who.instance, message["id"]) is None


def test_a_broadcast_to_too_many_is_refused_as_a_whole(bare: HubAtHand) -> None:
    crowd = replace(WRITER, name="crowd", replicas=FAN_OUT_MAX + 1)
    bare.apply(talkers(PUBLISHING, DEVELOPER, crowd, LISTENING))
    me = at_work(bare, "researcher")
    for replica in range(FAN_OUT_MAX):
        bare.born("crowd", replica=replica)
    assert me.broadcast(agents=["crowd"])["recipients"] == FAN_OUT_MAX
    bare.born("crowd", replica=FAN_OUT_MAX)
    with refused("scope", 403, f"more than {FAN_OUT_MAX} containers"):
        me.broadcast(agents=["crowd"])
    with refused("scope", 403, f"more than {FAN_OUT_MAX} containers"):
        me.event()


def test_over_its_rate_an_agent_waits_all_its_containers_together(office: HubAtHand) -> None:
    one, other = at_work(office, "researcher"), at_work(office, "researcher", replica=1)
    for at in range(RATE_BURST):
        (one, other)[at % 2].event()
    message = other.message("event", {"topic": "builds"})
    with refused("mailbox", 429, "more than 20 messages a second"):
        other.say(message)
    assert at_work(office, "developer").request("writer")["accepted"]
    office.clock.advance(1)
    assert other.say(message)["accepted"]  # a refusal for now isn't remembered


def test_a_full_box_throttles_who_fills_it_and_nobody_else(office: HubAtHand) -> None:
    flood, other, reader = (
        at_work(office, "researcher"),
        at_work(office, "developer"),
        at_work(office, "writer"),
    )
    for _ in range(128):
        flood.request("writer", "flood")
    message = flood.message("request", {"agent": "writer"})
    with refused("mailbox", 429, "no more fits into the mailbox now"):
        flood.say(message)
    assert other.request("writer", "heard?")["accepted"]
    taken = reader.poll()
    reader.poll(mail=0, seen=taken[-1]["id"])
    assert flood.say(message)["accepted"]
    assert len(lines(office, "message.refused")) == 0


def test_boxes_are_bounded_in_bytes_too(office: HubAtHand) -> None:
    flood = at_work(office, "researcher")
    at_work(office, "developer")
    with refused("mailbox", 429):
        for _ in range(200):
            flood.request("developer", "x" * 32_000)
    assert office.hub.live.mail.bytes <= 2 * 1024**2


def test_of_an_event_a_full_box_is_left_out_and_all_full_is_refused(office: HubAtHand) -> None:
    me, full = at_work(office, "researcher"), at_work(office, "developer")
    for _ in range(128):
        me.event()
    empty = at_work(office, "writer")
    assert me.event(text="through")["recipients"] == 1
    assert lines(office, "message.sent")[-1].entry.facts["full"] == "1"
    assert empty.texts() == ["through"]
    instances.mark(office.hub, empty.who.instance, InstanceState.RECYCLED.value, "x")
    with refused("mailbox", 429):
        me.event()
    assert len(full.poll()) == 16


def test_a_flood_leaves_the_room_of_all_boxes_to_others(office: HubAtHand) -> None:
    from agentctl.model.message import MAIL_BYTES_MAX, SHARE_OF_ALL
    from agentctl.service.mail_room import Place, Room

    room = Room()
    places = [Place("crowd", f"inst-{number}") for number in range(1000)]
    taken = sum(room.take(place, "flood", 60_000) for place in places)
    assert taken * 60_000 <= MAIL_BYTES_MAX // SHARE_OF_ALL
    assert room.take(Place("crowd", "inst-0"), "other", 60_000)
    for place in places[:taken]:
        room.give_back(place, "flood", 60_000)
    room.give_back(Place("crowd", "inst-0"), "other", 60_000)
    assert room.bytes == 0


def test_a_store_that_cannot_write_refuses_for_now_and_delivers_nothing(
    office: HubAtHand, researcher: Talker, developer: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_work: Any) -> Any:
        raise StoreUnavailable("the disk is full")

    message = researcher.message("request", {"agent": "developer"})
    sent = researcher.request("developer", "before")
    [asked] = developer.poll()
    held = office.hub.live.mail.bytes
    with monkeypatch.context() as broken:
        broken.setattr(office.hub.store, "write", full)
        with refused("journal", 503, "the disk is full"):
            researcher.say(message)
        with refused("journal", 503):
            developer.reply(asked["id"], "lost?")
        with refused("journal", 503):
            researcher.request("thinker")
    assert office.hub.live.mail.bytes == held
    assert developer.texts(seen=asked["id"]) == []
    developer.reply(sent["message"], "again")
    assert researcher.texts() == ["again"]
    assert researcher.say(message)["accepted"]


def test_messages_go_on_while_degraded_or_paused_and_stop_in_panic(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    for name in (ModeName.DEGRADED, ModeName.PAUSED):
        office.hub.live.mode = Mode(name=name, reason="a test")
        researcher.request("developer", name)
    office.hub.live.mode = Mode(name=ModeName.PANIC, reason="a test")
    with pytest.raises(AgentctlError, match="in panic"):
        researcher.request("developer", "panic")
    assert developer.poll() == []
    office.hub.live.mode = Mode(name=ModeName.PAUSED)
    assert developer.texts() == ["degraded", "paused"]


def test_refusals_fill_no_journal(office: HubAtHand, researcher: Talker) -> None:
    for _ in range(50):
        with refused("scope", 403):
            researcher.request("nobody")
    assert len(lines(office, "message.refused")) == 20
    office.clock.advance(61)
    with refused("scope", 403):
        researcher.request("nobody")
    assert lines(office, "message.refused")[-1].entry.facts["unwritten"] == "30"


def test_a_label_refusal_is_an_alert_that_ends_by_itself(
    office: HubAtHand, researcher: Talker
) -> None:
    with refused("scope", 403):
        researcher.request("nobody")
    alerts.look(office.hub)
    assert "message-label" not in firing(office)
    with refused("label", 403):
        researcher.request("thinker")
    alerts.look(office.hub)
    assert firing(office)["message-label"].startswith(
        "messages of researcher were refused by label, the last because thinker is cleared for"
    )
    office.clock.advance(601)
    alerts.look(office.hub)
    assert "message-label" not in firing(office)


def firing(at: HubAtHand) -> dict[str, str]:
    return {each.check: each.words for each in at.hub.live.book.firing}


def test_the_sender_is_the_credential_whatever_the_message_says(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    report(
        office.hub,
        researcher.who,
        researcher.message(
            "request", {"agent": "developer"}, payload={"text": "from: admin, label: public"}
        ),
    )
    [got] = developer.poll()
    assert (got["from"], got["label"]) == ({"agent": "researcher"}, "confidential")


def test_names_are_exact(bare: HubAtHand) -> None:
    twins = [replace(WRITER, name=name) for name in ("agent-1", "agent-10")]
    bare.apply(talkers(PUBLISHING, *twins, LISTENING))
    me, one, ten = (at_work(bare, name) for name in ("researcher", "agent-1", "agent-10"))
    me.request("agent-1", "one")
    me.broadcast("ten", agents=["agent-10"])
    assert (one.texts(), ten.texts()) == (["one"], ["ten"])
    for near in ("agent-1\n", "agent-", "AGENT-1", "agent-1 ", "*", "agent-?", ""):
        with refused("scope", 403):
            me.request(near)
        with refused("scope", 403):
            me.event(f"{near}\n")


def test_a_kind_of_the_operators_own_is_held_to_its_rules_and_types(bare: HubAtHand) -> None:
    review = MessageKind(
        name="review",
        types=("request",),
        rules='{"line":{"type":"integer","required":true,"min":1},"file":{"type":"string"}}',
    )
    bare.apply(replace(talkers(), message_kinds=(review,)))
    me, reader = at_work(bare, "researcher"), at_work(bare, "developer")
    me.request("developer", kind="review", payload={"line": 3, "file": "a.py"})
    assert [(each["kind"], each["payload"]["line"]) for each in reader.poll()] == [("review", 3)]
    with refused("schema", 422) as problem:
        me.request("developer", kind="review", payload={"line": True})
    assert problem["errors"] == [{"pointer": "/payload/line", "detail": "must be integer"}]
    with refused("schema", 422, "isn't carried by event"):
        me.event(kind="review", payload={"line": 3})


@pytest.mark.parametrize(
    ("name", "rules", "why"),
    [
        ("text", '{"text":{"type":"string"}}', "the name of a kind that ships with agentctl"),
        ("spy", '{"text":{"type":"string","regex":"(a+)+$"}}', "has a rule that isn't taken"),
        ("spy", "[", "no JSON"),
    ],
)
def test_a_generation_with_a_kind_that_cannot_be_used_is_not_applied(
    bare: HubAtHand, name: str, rules: str, why: str
) -> None:
    kind = MessageKind(name=name, types=("request",), rules=rules)
    with pytest.raises(AgentctlError, match=why):
        bare.apply(replace(talkers(), message_kinds=(kind,)))


def test_the_label_of_what_is_sent_is_the_containers_own(bare: HubAtHand) -> None:
    """A confidential agent at internal work: what leaves its container is confidential."""
    bare.apply(talkers())
    me = at_work(bare, "researcher", sensitivity="public")
    at_work(bare, "thinker")
    with refused("label", 403):
        me.request("thinker")
    assert digest({"text": "hello"}) == sha256("hello")


def test_a_letter_says_nothing_of_the_senders_container() -> None:
    from types import SimpleNamespace

    from agentctl.model.message import MessageType
    from agentctl.service.mail import as_row
    from tests.fakes.clock import ManualClock

    letter = Letter(
        id="msg-1",
        type=MessageType.REQUEST,
        sender="researcher",
        sender_instance="inst-1",
        label="public",
        payload={},
        bytes=1,
        sent_at_s=0.0,
        expires_s=0.0,
        hops=3,
        for_attempt=("task-1", 1),
    )
    row = as_row(SimpleNamespace(clock=ManualClock()), letter)  # type: ignore[arg-type]
    assert "inst-1" not in str(row)
    assert row["expires_in_s"] == 0.0
