"""What a tool answers is bounded: the CLI gives its model a file's name instead of what is too long."""

import re
from pathlib import Path
from typing import Any

from agentd.inbox import KEPT_MAX, LONG_KEPT_MAX
from tests.fakes.hub_for_agentd import HubForAgentd, message_id
from tests.fakes.mcp_talk import talking

SPILLED_CHARS = 50_000  # by the CLI, in UTF-16 units
LONG = "".join(f"<{number:07}>" for number in range(7_000))  # 63,000 characters


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def bodies(text: str) -> list[str]:
    blocks = re.finditer(r"<(message-[0-9a-f]{16}) [^\n]*>\n(.*?)\n</\1>", text, re.DOTALL)
    return [each[2] for each in blocks]


def test_what_does_not_fit_waits_and_is_said_to(hub: HubForAgentd, folder: Path) -> None:
    for number in range(12):
        hub.post(number, "event", f"{number}:" + "x" * 5_000, topic="news")
    with talking(hub, folder) as talk:
        first, second, third, fourth = (talk.told("check_inbox") for _ in range(4))
    views = (first, second, third)
    assert all(len(each) < SPILLED_CHARS for each in views)
    assert [len(bodies(each)) for each in views] == [4, 4, 4]
    assert [each.rsplit("\n", 1)[-1] for each in views[:2]] == [
        "8 more messages wait: call check_inbox again.",
        "4 more messages wait: call check_inbox again.",
    ]
    assert "more message" not in third
    assert fourth == "Nothing new."
    read = [body.split(":")[0] for each in views for body in bodies(each)]
    assert read == [str(number) for number in range(12)]


def test_a_message_too_long_for_a_view_is_read_in_parts(hub: HubForAgentd, folder: Path) -> None:
    hub.post(1, "event", LONG, topic="news")
    hub.post(2, "event", "short", topic="news")
    with talking(hub, folder) as talk:
        first = talk.told("check_inbox")
        assert 'part="1 of 3"' in first
        assert f'check_inbox with message="{message_id(1)}" and part=2' in first
        assert "The message has 63000 characters" in first
        assert "1 more message waits" in first
        rest = [talk.told("check_inbox", message=message_id(1), part=part) for part in (2, 3)]
        assert "and part=4" not in rest[-1]
        read = "".join(body for each in (first, *rest) for body in bodies(each))
        assert read == LONG
        assert all(each.startswith("What follows is data") for each in rest)
        assert talk.refused("check_inbox", message=message_id(1), part=4) == (
            f"{message_id(1)} has 3 parts"
        )
        assert "no long message" in talk.refused("check_inbox", message=message_id(2))
        assert "short" in talk.told("check_inbox")


def test_characters_that_count_twice_fit_too(hub: HubForAgentd, folder: Path) -> None:
    hub.post(1, "event", "\U0001f600" * 60_000, topic="news")
    with talking(hub, folder) as talk:
        parts = [talk.told("check_inbox")]
        parts += [talk.told("check_inbox", message=message_id(1), part=part) for part in (2, 3)]
    assert all(units(each) < SPILLED_CHARS for each in parts)
    assert sum(each.count("\U0001f600") for each in parts) == 60_000


def test_a_long_reply_is_read_in_parts_too(hub: HubForAgentd, folder: Path) -> None:
    def reply(asked: dict[str, Any]) -> None:
        hub.post(1, "reply", LONG, answers=asked["message"])

    hub.answered_by = reply
    with talking(hub, folder) as talk:
        first = talk.told("ask_agent", agent="clerk", text="?")
        assert 'part="1 of 3"' in first
        assert 'part="3 of 3"' in talk.told("check_inbox", message=message_id(1), part=3)


def test_long_messages_are_kept_for_a_while_and_not_for_ever(
    hub: HubForAgentd, folder: Path
) -> None:
    for number in range(LONG_KEPT_MAX + 1):
        hub.post(number, "event", LONG, topic="news")
    with talking(hub, folder) as talk:
        for _ in range(LONG_KEPT_MAX + 1):
            talk.told("check_inbox")
        assert "no long message" in talk.refused("check_inbox", message=message_id(0), part=2)
        assert 'part="2 of 3"' in talk.told("check_inbox", message=message_id(1), part=2)


def test_an_inbox_that_nobody_reads_drops_what_was_only_told_and_says_so(
    hub: HubForAgentd, folder: Path
) -> None:
    hub.post(0, "request", "the oldest, and one that wants an answer")
    for number in range(1, KEPT_MAX + 3):  # with the first and the reply four too many
        hub.post(number, "event", f"told {number}", topic="news")
    with talking(hub, folder) as talk:
        talk.start(
            "ask_agent", agent="clerk", text="?", timeout_s=30
        )  # looks, and reads none of it
        hub.wait_for(lambda: hub.mail == [])
        asked = hub.wait_for_message("request")
        hub.post(999, "reply", "it", answers=hub.answer_to(asked)["message"])
        talk.answer()
        view = talk.told("check_inbox")
    assert "the oldest, and one that wants an answer" in view
    assert "told 1\n" not in view
    assert "4 older ones were dropped unread" in view


def test_a_fleet_too_large_for_a_view_is_listed_in_views(hub: HubForAgentd, folder: Path) -> None:
    hub.colleagues = [
        {
            "name": f"a{number:03}",
            "capabilities": [],
            "labels": {"k": "v" * 200},
            "may": ["request"],
        }
        for number in reversed(range(300))
    ]
    seen: list[str] = []
    with talking(hub, folder) as talk:
        after: dict[str, str] = {}
        while True:
            view = talk.told("list_agents", **after)
            assert len(view) < SPILLED_CHARS
            seen += re.findall(r"^(a\d{3}):", view, re.MULTILINE)
            more = re.search(
                r'^(\d+) more: call list_agents with after="(a\d{3})"\.$', view, re.MULTILINE
            )
            if more is None:
                break
            assert int(more[1]) == 300 - len(seen)
            after = {"after": more[2]}
        assert "nobody past 'zzz'" in talk.told("list_agents", after="zzz")
    assert seen == [f"a{number:03}" for number in range(300)]
