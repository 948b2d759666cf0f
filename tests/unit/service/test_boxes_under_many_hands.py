"""Boxes used by many threads at once: each request has one taker, and no room is lost."""

import threading

from agentctl.model.message import Asked, Letter, MessageType
from agentctl.service.mail_room import Place
from agentctl.service.mailboxes import Fate, Mailboxes

SENDERS, TAKERS, EACH = 4, 4, 200
QUEUE = Place("reader")


def letter(number: str) -> Letter:
    return Letter(
        id=f"msg-{number}",
        type=MessageType.REQUEST,
        sender=f"sender-{number[0]}",
        sender_instance=f"inst-s{number[0]}",
        label="public",
        payload={},
        bytes=100,
        sent_at_s=0.0,
        expires_s=1e9,
    )


def test_every_request_is_taken_once_and_the_room_comes_back() -> None:
    boxes, sending = Mailboxes(), threading.Event()
    taken: list[list[str]] = [[] for _ in range(TAKERS)]

    def send(who: int) -> None:
        for number in range(EACH):
            one = letter(f"{who}-{number}")
            while not boxes.reserve((QUEUE,), one.sender, one.bytes, now_s=0.0):
                pass
            asked = Asked(
                message=one.id,
                agent=one.sender,
                instance=one.sender_instance,
                attempt=("task", 1),
                expires_s=1e9,
            )
            boxes.fill((QUEUE,), one, asked)

    def take(who: int) -> None:
        mine = Place("reader", f"inst-{who}")
        while True:
            last_round = sending.is_set()
            found = boxes.take(mine, room=5, now_s=0.0, judge=lambda _letter: (Fate.GIVE, ""))
            for each in found.letters:
                taken[who].append(each.id)
                boxes.acknowledge(mine, each.id)
            if last_round and not found.letters:
                return

    senders = [threading.Thread(target=send, args=(who,)) for who in range(SENDERS)]
    takers = [threading.Thread(target=take, args=(who,)) for who in range(TAKERS)]
    for each in (*senders, *takers):
        each.start()
    for each in senders:
        each.join(60)
    sending.set()
    for each in takers:
        each.join(60)
    everything = [message for mine in taken for message in mine]
    assert (len(everything), len(set(everything))) == (SENDERS * EACH, SENDERS * EACH)
    assert boxes.bytes == 0


def test_of_two_replies_at_once_one_is_the_answer() -> None:
    boxes, claims = Mailboxes(), []
    reader = Place("reader", "inst-1")
    one = letter("1-1")
    asked = Asked(message=one.id, agent="a", instance="i", attempt=("t", 1), expires_s=1e9)
    assert boxes.reserve((QUEUE,), one.sender, one.bytes, now_s=0.0)
    boxes.fill((QUEUE,), one, asked)
    boxes.take(reader, room=1, now_s=0.0, judge=lambda _letter: (Fate.GIVE, ""))
    barrier = threading.Barrier(8)

    def claim() -> None:
        barrier.wait(10)
        claims.append(boxes.claim(one.id, "inst-1", now_s=0.0))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert sum(each is not None for each in claims) == 1
    boxes.unclaim(one.id)
    assert boxes.claim(one.id, "inst-1", now_s=0.0) == asked
