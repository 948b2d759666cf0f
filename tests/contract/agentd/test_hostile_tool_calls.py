"""A task's program that means harm to agentd's tools: it costs itself its answers, and nobody else anything."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentd.mcp.calls import CALLS_AT_ONCE, CALLS_BURST, NOTES_BURST
from agentd.mcp.server import CONNECTIONS_MAX
from tests.fakes.hub_for_agentd import HubForAgentd
from tests.fakes.mcp_talk import Talk, talking, words


@pytest.fixture
def talk(hub: HubForAgentd, folder: Path) -> Iterator[Talk]:
    with talking(hub, folder) as made:
        yield made
        assert made.agentd.process.poll() is None
        assert "agentd.crashed" not in made.agentd.events()


def again(talk: Talk) -> Talk:
    return Talk(talk.path, talk.agentd)


def request(method: Any, number: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def alive(talk: Talk) -> None:
    talk.say(request("ping", "alive"))
    assert talk.answer("alive") == {"jsonrpc": "2.0", "id": "alive", "result": {}}


VERSION = "io.modelcontextprotocol/protocolVersion"
NO_REQUESTS: tuple[tuple[bytes | dict[str, Any], int], ...] = (
    (request("tools/call", name=[], arguments={}), -32602),
    (request("tools/call", name={"a": 1}, arguments={}), -32602),
    (request("tools/call", name=None), -32602),
    (request("tools/call", name="x" * 100_000), -32602),
    (request("ping", None), -32600),
    (request("ping", 1.5), -32600),
    (request("ping", [1]), -32600),
    (request("ping", {"a": 1}), -32600),
    (request("ping", False), -32600),
    (request(["ping"]), -32600),
    (request("x" * 100_000), -32601),
    (request("tools/list", _meta={VERSION: []}), -32022),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1e999}}', -32700),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":NaN}}', -32700),
    (b'{"jsonrpc":"2.0","id":1' + b"0" * 5000 + b',"method":"ping"}', -32700),
    (b'{"a":' * 40 + b"1" + b"}" * 40, -32700),
    (b'{"a":' * 100_000, -32700),
    (b"\xff\xfe\x00\x01", -32700),
    (b"\x00", -32700),
)


def test_what_is_no_request_is_an_error_and_ends_nothing(talk: Talk) -> None:
    for line, code in NO_REQUESTS:
        talk.say(line)
        came = talk.next()
        assert came is not None, str(line)[:100]
        assert came["error"]["code"] == code, str(line)[:100]
        assert len(json.dumps(came)) < 1_000
        alive(talk)


NO_ANSWER: tuple[bytes | dict[str, Any], ...] = (
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": []}},
    {"jsonrpc": "2.0", "method": "notifications/cancelled"},
    {"jsonrpc": "2.0", "method": "notifications/nonsense", "params": {}},
    {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "list_agents"}},
    {"jsonrpc": "2.0", "id": 7, "result": {}},
    {"jsonrpc": "2.0", "id": [], "error": 3},
    b"",
    b"   ",
    b"x" * 3_000_000,
)


def test_what_wants_no_answer_gets_none(talk: Talk) -> None:
    for number, line in enumerate(NO_ANSWER):
        talk.say(line)
        talk.say(request("ping", number))
        assert talk.next() == {"jsonrpc": "2.0", "id": number, "result": {}}, str(line)[:100]


ODD_ARGUMENTS: tuple[dict[str, Any], ...] = (
    {"agent": "clerk", "payload": {"a": {"b": [[[[[[[1]]]]]]]}}},
    {"agent": "\ud800", "text": "\udfff"},
    {"agent": "clerk\n\x00", "text": "\x00\u2028"},
    {"broadcast": {"agents": [1, None, {}]}, "text": "x"},
    {"agent": "clerk", "text": "x", "kind": "../../etc"},
)


def test_odd_arguments_are_the_hub_s_to_judge(hub: HubForAgentd, talk: Talk) -> None:
    for arguments in ODD_ARGUMENTS:
        talk.call("send_message", **arguments)
        alive(talk)
    assert hub.violations  # which the real hub refuses
    hub.violations.clear()


def test_a_call_is_cancelled_by_its_own_id_alone(hub: HubForAgentd, talk: Talk) -> None:
    talk.start("check_inbox", 1, wait_s=60)
    hub.wait_for(lambda: hub.looking == 1)
    for other in (True, 1.0, "1", [1], None):
        talk.cancel(other)
    alive(talk)
    hub.post(1, "event", "still heard", topic="news")
    assert "still heard" in words(talk.answer(1))[1]


def test_an_id_in_use_is_refused_and_its_call_goes_on(hub: HubForAgentd, talk: Talk) -> None:
    talk.start("check_inbox", 1, wait_s=60)
    hub.wait_for(lambda: hub.looking == 1)
    talk.start("check_inbox", 1, wait_s=60)
    assert talk.answer(1)["error"]["code"] == -32600
    hub.post(1, "event", "still heard", topic="news")
    assert "still heard" in words(talk.answer(1))[1]


def test_calls_at_once_are_bounded_over_all_connections(hub: HubForAgentd, talk: Talk) -> None:
    all_of_them = [talk, *(again(talk) for _ in range(CONNECTIONS_MAX - 1))]
    for number in range(CALLS_AT_ONCE + 1):
        all_of_them[number % CONNECTIONS_MAX].start("check_inbox", number, wait_s=60)
    hub.wait_for(lambda: any(each.heard() for each in all_of_them))
    (said,) = [each.next() for each in all_of_them if each.heard()]
    assert said is not None
    assert words(said) == (True, f"at most {CALLS_AT_ONCE} calls at once; wait for one of them")
    assert hub.looking == 1  # whoever waits, one look is out
    for each in all_of_them[1:]:
        each.hang_up()


def test_connections_are_bounded_and_their_places_come_back(hub: HubForAgentd, talk: Talk) -> None:
    others = [again(talk) for _ in range(CONNECTIONS_MAX - 1)]
    for each in others:
        alive(each)
    assert again(talk).next() is None
    others[0].hang_up()
    hub.wait_for(lambda: answers(again(talk)))
    for each in others:
        each.hang_up()


def answers(talk: Talk) -> bool:
    """Whether a connection is served at all."""
    try:
        alive(talk)
    except (AssertionError, OSError):
        return False
    return True


def test_who_calls_without_end_is_told_to_wait(hub: HubForAgentd, talk: Talk) -> None:
    """Else the hub would refuse this container's heartbeats with the calls, and its lease would go."""
    said = [talk.call("check_inbox", number) for number in range(2 * CALLS_BURST)]
    assert said[0] == (False, "Nothing new.")
    refused = [text for failed, text in said if failed]
    assert refused
    assert refused[0].startswith("too many calls one after another; wait ")
    assert len(hub.asked_for_mail()) < 2 * CALLS_BURST


def test_notes_come_at_a_pace_and_the_model_is_told(hub: HubForAgentd, talk: Talk) -> None:
    for number in range(NOTES_BURST):
        assert talk.told("report_progress", note=f"step {number}") == "Reported."
    said = talk.refused("report_progress", note="one too many")
    assert said.startswith("not reported: ")
    assert "wait" in said
    last = f"step {NOTES_BURST - 1}"
    hub.wait_for(
        lambda: [each["payload"]["note"] for each in hub.sent("task.progress")][-1:] == [last]
    )
    assert "at most 500 characters" in talk.refused("report_progress", note="x" * 501)


def test_who_reads_no_answers_holds_up_nobody_else(talk: Talk) -> None:
    line = json.dumps(request("tools/list")).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(talk.path)
        deaf.settimeout(0.5)
        with pytest.raises(TimeoutError):
            _send_for_ever(deaf, line * 100)
        alive(talk)


def _send_for_ever(to: socket.socket, lines: bytes) -> None:
    """Until there is no more room for answers that nobody takes."""
    while True:
        to.sendall(lines)


def test_the_connections_of_a_task_end_with_it(hub: HubForAgentd, folder: Path, talk: Talk) -> None:
    (folder / "workspace" / "over").touch()
    hub.wait_for_message("task.completed")
    assert talk.next() is None
