"""A message goes where it may, comes until it is handled, and is gone when its time is up."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.model.fleet import Lifecycle
from agentctl.model.instance import InstanceState
from agentctl.model.message import Letter, MessageType
from agentctl.service import instances, mail
from agentctl.service.poll import poll
from agentctl.store import decisions
from agentctl.store import instances as instance_table
from tests.fakes.fleet import RESEARCHER
from tests.fakes.talk import (
    DEVELOPER,
    LISTENING,
    PUBLISHING,
    WRITER,
    Talker,
    at_work,
    lines,
    next_task,
    refused,
    sha256,
    talkers,
)
from tests.unit.service.conftest import HubAtHand


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


def test_a_request_and_its_reply_find_each_other(researcher: Talker, developer: Talker) -> None:
    sent = researcher.request("developer", "does it build?")
    assert sent == {"id": sent["id"], "accepted": True, "message": sent["message"], "recipients": 1}
    [asked] = developer.poll()
    assert asked == {
        "id": sent["message"],
        "type": "request",
        "from": {"agent": "researcher"},
        "label": "confidential",
        "kind": "text",
        "payload": {"text": "does it build?"},
        "sent_at_s": 1_000_000.0,
        "expires_in_s": 60.0,
    }
    developer.reply(asked["id"], "it does")
    [answer] = researcher.poll()
    assert (answer["type"], answer["answers"], answer["payload"]["text"], answer["from"]) == (
        "reply",
        sent["message"],
        "it does",
        {"agent": "developer"},
    )


def test_the_journal_has_who_what_and_whither_and_never_the_body(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    sent = researcher.request("developer", "canary-7f3a")
    [line] = lines(office, "message.sent")
    entry = line.entry
    assert (entry.who, entry.subject, entry.label) == (
        researcher.who.spiffe_id,
        sent["message"],
        "confidential",
    )
    assert entry.facts == {
        "type": "request",
        "payload_kind": "text",
        "to": "developer",
        "recipients": "1",
        "left_out": "0",
        "hops": "1",
        "payload_sha256": sha256("canary-7f3a"),
        "task": researcher.task,
        "attempt": "1",
    }
    with office.hub.store.read() as txn:
        decided = decisions.get(txn, entry.decision)
    assert decided is not None
    assert (decided.question.verb, decided.question.target, decided.decision.rule) == (
        "message.send",
        "agent:developer",
        "agents talk",
    )
    assert "canary" not in str(line)


def test_an_event_goes_to_every_container_that_may_have_it_but_its_own(office: HubAtHand) -> None:
    sender = at_work(office, "researcher")
    heard = [
        at_work(office, "developer"),
        at_work(office, "writer"),
        at_work(office, "writer", replica=1),
    ]
    deaf, public = at_work(office, "researcher", replica=1), at_work(office, "thinker")
    assert sender.event(text="green")["recipients"] == 3
    assert [each.texts() for each in heard] == [["green"]] * 3
    assert [each.texts() for each in (sender, deaf, public)] == [[], [], []]
    [line] = lines(office, "message.sent")
    assert (line.entry.facts["topic"], line.entry.facts["left_out"]) == ("builds", "1")


def test_an_event_carries_its_topic_and_one_that_nobody_hears_is_accepted(
    office: HubAtHand, researcher: Talker
) -> None:
    assert researcher.event()["recipients"] == 0
    developer = at_work(office, "developer")
    researcher.event()
    assert [(each["topic"], each["type"]) for each in developer.poll()] == [("builds", "event")]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"agents": ["dev*"]}, ["developer"]),
        ({"agents": ["developer", "writer"]}, ["developer", "writer"]),
        ({"labels": {"team": "core"}}, ["developer"]),
        ({"capabilities": ["research"]}, ["writer"]),
        ({"capabilities": ["code"], "agents": ["*"]}, ["developer"]),
    ],
)
def test_a_broadcast_goes_to_all_who_meet_the_whole_filter(
    office: HubAtHand, researcher: Talker, wanted: dict[str, Any], found: list[str]
) -> None:
    others = [at_work(office, "developer"), at_work(office, "writer")]
    assert researcher.broadcast(**wanted)["recipients"] == len(found)
    assert [each.name for each in others if each.poll()] == found


def test_a_message_comes_again_under_its_id_until_it_is_acknowledged(
    researcher: Talker, developer: Talker
) -> None:
    researcher.request("developer", "one")
    researcher.request("developer", "two")
    first = developer.poll()
    assert [each["payload"]["text"] for each in first] == ["one", "two"]
    assert developer.poll() == first
    assert developer.poll(seen=first[0]["id"]) == first[1:]
    assert developer.poll(seen=first[1]["id"]) == []
    assert developer.poll() == []


def test_acknowledging_the_last_acknowledges_all_before_it(
    researcher: Talker, developer: Talker
) -> None:
    for text in "abc":
        researcher.request("developer", text)
    taken = developer.poll()
    assert developer.poll(mail=0, seen=taken[-1]["id"]) == []
    assert developer.poll() == []


def test_what_has_gone_meanwhile_still_acknowledges_all_before_it(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    researcher.event(text="news")
    sent = researcher.request("developer", "answer me")
    assert developer.texts() == ["news", "answer me"]
    developer.reply(sent["message"])
    assert developer.texts() == ["news"]
    assert developer.texts(seen=sent["message"]) == []
    researcher.event(text="more")
    late = researcher.request("developer", "soon", timeout_s=1)
    assert developer.texts() == ["more", "soon"]
    office.clock.advance(2)
    assert developer.texts(seen=late["message"]) == []


@pytest.mark.parametrize("seen", ["msg-task-1", "msg-" + "9" * 26, "x"])
def test_what_was_not_delivered_here_cannot_be_acknowledged(
    researcher: Talker, developer: Talker, seen: str
) -> None:
    researcher.request("developer", "one")
    developer.poll()
    assert developer.texts(seen=seen) == ["one"]


def test_nobody_acknowledges_anothers_mail(office: HubAtHand, researcher: Talker) -> None:
    one, other = at_work(office, "developer"), at_work(office, "writer")
    researcher.event(text="for both")
    [letter] = one.poll()
    assert other.texts(seen=letter["id"]) == ["for both"]
    assert other.texts(seen=letter["id"]) == []
    assert one.texts() == ["for both"]


def test_no_more_is_taken_than_was_asked_for_and_the_rest_waits_in_order(
    researcher: Talker, developer: Talker
) -> None:
    for text in "abc":
        researcher.request("developer", text)
    assert developer.texts(mail=0) == []
    assert developer.texts(mail=2) == ["a", "b"]
    assert developer.texts(mail=3) == ["a", "b", "c"]


def test_large_messages_come_a_few_at_a_time(researcher: Talker, developer: Talker) -> None:
    for _ in range(20):
        researcher.request("developer", "x" * 32_000)
    taken = developer.poll()
    assert len(taken) == 16
    assert developer.poll(seen=taken[-1]["id"], mail=1)


def test_a_request_is_gone_after_its_timeout_and_all_else_after_ten_minutes(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    researcher.request("developer", "soon", timeout_s=5)
    researcher.event(text="later")
    assert sorted(developer.texts()) == ["later", "soon"]
    office.clock.advance(5)
    assert developer.texts() == ["later"]
    office.clock.advance(595)
    assert developer.poll() == []
    assert office.hub.live.mail.bytes == 0


def test_what_nobody_fetches_is_swept_out(office: HubAtHand, researcher: Talker) -> None:
    researcher.request("developer", "x" * 1000)
    assert office.hub.live.mail.bytes > 1000
    office.clock.advance(700)
    researcher.request("writer", "y")
    assert office.hub.live.mail.bytes < 1000


def test_the_first_poll_takes_a_request_and_no_other_container_gets_it(office: HubAtHand) -> None:
    sender = at_work(office, "developer")
    one, other = at_work(office, "writer"), at_work(office, "writer", replica=1)
    sender.request("writer", "for one of you")
    assert other.texts() == ["for one of you"]
    assert one.texts() == []


def test_a_request_goes_back_when_the_container_that_took_it_ends(office: HubAtHand) -> None:
    sender = at_work(office, "developer")
    one, other = at_work(office, "writer"), at_work(office, "writer", replica=1)
    sender.request("writer", "first")
    [taken] = one.poll()
    sender.request("writer", "second")
    instances.mark(office.hub, one.who.instance, InstanceState.RECYCLED.value, "it died")
    again = other.poll()
    assert [each["payload"]["text"] for each in again] == ["first", "second"]
    assert again[0]["id"] == taken["id"]
    other.reply(taken["id"], "here")
    assert sender.texts() == ["here"]


def test_an_acknowledged_request_dies_with_its_container(office: HubAtHand) -> None:
    sender = at_work(office, "developer")
    one, other = at_work(office, "writer"), at_work(office, "writer", replica=1)
    sender.request("writer", "work")
    [taken] = one.poll()
    one.poll(seen=taken["id"])
    instances.mark(office.hub, one.who.instance, InstanceState.RECYCLED.value, "it died")
    assert other.poll() == []


def test_what_an_ended_container_asked_is_asked_no_more(office: HubAtHand) -> None:
    sender, other = at_work(office, "developer"), at_work(office, "writer")
    sender.request("writer", "taken")
    [taken] = other.poll()
    sender.request("writer", "waiting")
    instances.mark(office.hub, sender.who.instance, InstanceState.RECYCLED.value, "it died")
    assert other.poll() == []
    with refused("scope", 403, "is no request"):
        other.reply(taken["id"])
    assert office.hub.live.mail.bytes == 0


def test_a_message_to_ones_own_agent_goes_to_another_container(office: HubAtHand) -> None:
    one, other = at_work(office, "researcher"), at_work(office, "researcher", replica=1)
    one.request("researcher", "colleague?")
    assert one.texts() == []
    assert other.texts() == ["colleague?"]
    one.broadcast("all of us", agents=["researcher"])
    assert (one.texts(), other.texts()) == ([], ["colleague?", "all of us"])


def test_a_container_that_is_drained_gets_no_new_requests_and_still_hears(
    office: HubAtHand,
) -> None:
    sender, one = at_work(office, "researcher"), at_work(office, "writer")
    instances.drain(office.hub, one.who.instance, "spec changed")
    sender.request("writer", "work")
    sender.event(text="news")
    assert one.texts() == ["news"]
    other = at_work(office, "writer", replica=1)
    assert other.texts() == ["work"]


def test_a_container_that_is_being_stopped_is_sent_nothing(office: HubAtHand) -> None:
    sender, one = at_work(office, "researcher"), at_work(office, "writer")
    instances.mark(office.hub, one.who.instance, InstanceState.RECYCLING.value, "ttl")
    assert sender.event()["recipients"] == 0


def test_a_container_without_a_task_is_handed_nothing(office: HubAtHand) -> None:
    sender, idle = at_work(office, "researcher"), office.born("developer")
    sender.request("developer", "anyone?")
    given = poll(
        office.hub, idle, slots=0, holds=(), wait_s=0.0, gone=lambda: False, take=16, seen=""
    )
    assert given == []


def test_a_reply_comes_only_while_the_attempt_that_asked_is_current(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    sent = researcher.request("developer")
    developer.poll()
    developer.reply(sent["message"])
    assert next_task(researcher).poll() == []
    [line] = lines(office, "message.withdrawn")
    assert line.entry.facts["reason"] == "the attempt that it is for has ended"


def test_a_waiting_poll_is_woken_by_what_comes(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    waiters = office.hub.live.waiters
    before = waiters.seen("mail:developer")
    sent = researcher.request("developer")
    assert waiters.seen("mail:developer") > before
    developer.poll()
    asker = f"instance:{researcher.who.instance}"
    before = waiters.seen(asker)
    developer.reply(sent["message"])
    assert waiters.seen(asker) > before


def test_the_hubs_own_messages_reach_the_attempt_that_they_are_for(
    office: HubAtHand, researcher: Talker
) -> None:
    with office.hub.store.read() as txn:
        instance = instance_table.get(txn, researcher.who.instance)
    assert instance is not None

    def letter(message: str, attempt: int) -> Letter:
        return Letter(
            id=message,
            type=MessageType.DELEGATED,
            sender="writer",
            label="internal",
            payload={"state": "completed"},
            bytes=100,
            sent_at_s=office.clock.wall_s(),
            expires_s=office.clock.boot_s() + 600,
            task="task-child",
            for_attempt=(researcher.task, attempt),
        )

    for message, attempt in (("msg-a", 1), ("msg-a", 1), ("msg-b", 2)):
        assert mail.put(office.hub, instance, letter(message, attempt))
    assert [(each["id"], each["task"], each["type"]) for each in researcher.poll()] == [
        ("msg-a", "task-child", "delegated")
    ]
    assert [each.entry.facts["reason"] for each in lines(office, "message.withdrawn")] == [
        "the attempt that it is for has ended"
    ]
    researcher.poll(seen="msg-a")
    assert office.hub.live.mail.bytes == 0


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (replace(DEVELOPER, clearance="internal"), "developer is cleared for internal"),
        (replace(DEVELOPER, name="maker"), "developer is no longer declared"),
        (
            replace(DEVELOPER, provider="opus", clearance="internal"),
            "developer is cleared for internal",
        ),
    ],
)
def test_what_a_new_generation_no_longer_allows_is_withdrawn_at_delivery(
    office: HubAtHand, researcher: Talker, developer: Talker, changed: object, why: str
) -> None:
    researcher.request("developer", "in the queue")
    researcher.event(text="in the box")
    office.apply(talkers(PUBLISHING, changed, WRITER, LISTENING))  # type: ignore[arg-type]
    assert developer.poll() == []
    withdrawn = lines(office, "message.withdrawn")
    assert [each.entry.facts["reason"].startswith(why) for each in withdrawn] == [True, True]
    assert {each.entry.label for each in withdrawn} == {"confidential"}
    assert office.hub.live.mail.bytes == 0


def test_what_was_delivered_once_is_not_delivered_again_when_it_no_longer_may(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    researcher.event(text="secret")
    assert developer.texts() == ["secret"]
    narrowed = replace(
        talkers().routing, boundaries=(("public", "public"), ("private", "internal"))
    )
    office.hub.fleet = type(office.hub.fleet).of(  # type: ignore[union-attr]
        replace(
            office.hub.fleet.generation,  # type: ignore[union-attr]
            desired=replace(talkers(), routing=narrowed),
        )
    )
    assert developer.poll() == []
    assert len(lines(office, "message.withdrawn")) == 1


def test_mail_of_a_sender_that_is_no_longer_declared_is_withdrawn(
    office: HubAtHand, developer: Talker
) -> None:
    at_work(office, "researcher").request("developer", "hello")
    office.apply(talkers(DEVELOPER, WRITER, LISTENING))
    assert developer.poll() == []
    [line] = lines(office, "message.withdrawn")
    assert line.entry.facts["reason"] == "its sender researcher is no longer declared"


def test_an_ephemeral_container_gets_nothing_above_its_own_label(bare: HubAtHand) -> None:
    fresh = replace(
        RESEARCHER,
        name="fresh",
        lifecycle=Lifecycle.EPHEMERAL,
        replicas=2,
        subscribes=("builds",),
    )
    bare.apply(talkers(PUBLISHING, fresh, LISTENING, WRITER))
    sender = at_work(bare, "researcher")
    low = at_work(bare, "fresh", sensitivity="internal")
    sender.request("fresh", "confidential question")
    with refused("label", 403, "has label internal, the message is confidential"):
        sender.broadcast("confidential news", agents=["fresh"])
    assert low.poll() == []
    high = at_work(bare, "fresh", replica=1, sensitivity="confidential")
    assert high.texts() == ["confidential question"]
    assert lines(bare, "message.withdrawn") == []
