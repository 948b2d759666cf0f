"""Calls whose attempt or client is gone are cut; the hub is asked once for all of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from agentctl.errors import AgentctlError, CallCut, Conflict, HubUnavailable
from agentctl.gateway.hub_side import HELD_S, Granted, HubSide, Wanted
from agentctl.gateway.open_calls import SILENT_S, UNCONFIRMED_S_MAX, OpenCall, OpenCalls
from agentctl.model.digest import plain
from agentctl.model.fleet import Provider, ProviderKind
from agentctl.model.task import Usage
from agentctl.providers.address import Target
from agentctl.providers.exchange import Exchange

OLLAMA = Provider(
    name="o", kind=ProviderKind.OLLAMA, base_url="http://127.0.0.1:1", model="m", boundary="private"
)
TARGET = Target(scheme="http", host="127.0.0.1", port=1, path="", addresses=("127.0.0.1",))
WANTED = Wanted(token="mt1.x", container="c", provider="o", path="/v1/messages", model="m")


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> bool:
        self.now_s += seconds
        return False


class Hub:
    """Answers what was scripted; an error is raised."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.current: list[str] = []
        self.error: AgentctlError | None = None
        self.grants: AgentctlError | dict[str, Any] = Conflict("attempt 1 is no longer current")

    def post(
        self,
        path: str,
        body: Any,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, Any]:
        self.asked.append((path, body))
        if self.error:
            raise self.error
        if path != "/api/hub/model-calls":
            return {"current": self.current}
        if isinstance(self.grants, AgentctlError):
            raise self.grants
        return self.grants

    def close(self) -> None:
        pass


class Stage:
    def __init__(self) -> None:
        self.clock = Clock()
        self.hub = Hub()
        self.side = HubSide(self.hub, now_s=self.clock, wait=self.clock.wait)
        self.calls = OpenCalls(self.side, now_s=self.clock)

    def open(self, name: str, *, gone: bool = False) -> Exchange:
        exchange = Exchange(TARGET, name="o")
        granted = Granted(call=name, task="task-1", attempt=1, provider=OLLAMA, agent="researcher")
        self.calls.add(OpenCall(WANTED, granted, exchange, gone=lambda: gone))
        return exchange


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_one_request_asks_for_all_open_calls(stage: Stage) -> None:
    stage.open("call-1"), stage.open("call-2")
    stage.hub.current = ["call-1", "call-2"]
    stage.calls.look()
    assert stage.hub.asked == [("/api/hub/model-calls/current", {"calls": ["call-1", "call-2"]})]


def test_a_provider_is_silent_that_says_nothing_for_long(stage: Stage) -> None:
    stage.open("call-1")
    granted = Granted(call="call-2", task="task-1", attempt=1, provider=OLLAMA, agent="researcher")
    call = OpenCall(WANTED, granted, Exchange(TARGET, name="o"), gone=lambda: False)
    stage.clock.now_s += SILENT_S - 1.0
    stage.calls.add(call)
    assert stage.calls.silent() == ()
    stage.clock.now_s += 1.0
    assert stage.calls.silent() == (OLLAMA,)
    for each in tuple(stage.calls._calls):
        stage.calls.heard(each)
    assert stage.calls.silent() == ()


def test_nothing_is_asked_when_nothing_is_open(stage: Stage) -> None:
    stage.calls.look()
    assert stage.hub.asked == []


def test_a_call_that_is_no_longer_current_is_cut_and_others_are_not(stage: Stage) -> None:
    stale, current = stage.open("call-1"), stage.open("call-2")
    stage.hub.current = ["call-2"]
    stage.calls.look()
    assert stale.cut_reason == "attempt 1 of task-1 is no longer current"
    assert current.cut_reason == ""


def test_a_hub_that_restarted_is_asked_anew_for_what_it_knows_no_more(stage: Stage) -> None:
    call = stage.open("call-1")
    stage.hub.grants = {
        "call": "call-9",
        "task": "task-1",
        "attempt": 1,
        "agent": "researcher",
        "provider": plain(OLLAMA),
    }
    stage.calls.look()
    stage.hub.current = ["call-9"]
    stage.calls.look()
    assert call.cut_reason == ""
    assert [path for path, _ in stage.hub.asked] == [
        "/api/hub/model-calls/current",
        "/api/hub/model-calls",
        "/api/hub/model-calls/current",
    ]
    assert stage.hub.asked[1][1]["token"] == WANTED.token
    assert stage.hub.asked[2][1] == {"calls": ["call-9"]}


def test_a_token_never_stands_in_a_repr() -> None:
    assert "mt1." not in repr(WANTED)


def test_a_call_whose_client_left_is_cut_though_the_hub_be_away(stage: Stage) -> None:
    left = stage.open("call-1", gone=True)
    stage.hub.error = HubUnavailable("away")
    stage.calls.look()
    assert left.cut_reason == "the client is gone"
    assert stage.hub.asked == []


def test_calls_outlive_a_restart_of_the_hub_but_not_a_hub_that_stays_away(stage: Stage) -> None:
    call = stage.open("call-1")
    stage.hub.error = HubUnavailable("away")
    stage.clock.now_s += UNCONFIRMED_S_MAX
    stage.calls.look()
    assert call.cut_reason == ""
    stage.clock.now_s += 1
    stage.calls.look()
    assert call.cut_reason.startswith("the hub is away")


def test_the_hubs_word_starts_that_bound_anew(stage: Stage) -> None:
    call = stage.open("call-1")
    stage.hub.current = ["call-1"]
    stage.clock.now_s += UNCONFIRMED_S_MAX
    stage.calls.look()
    stage.hub.error = HubUnavailable("away")
    stage.clock.now_s += UNCONFIRMED_S_MAX
    stage.calls.look()
    assert call.cut_reason == ""


def test_a_cut_exchange_never_connects(stage: Stage) -> None:
    exchange = stage.open("call-1")
    exchange.cut("over")
    with pytest.raises(CallCut, match="over"):
        exchange.ask("/v1/messages", b"{}", {})


def test_a_new_call_waits_ten_seconds_for_a_hub_that_is_away(stage: Stage) -> None:
    stage.hub.error = HubUnavailable("the hub at /run/x/gateway.sock does not answer")
    with pytest.raises(HubUnavailable) as caught:
        stage.side.admit(WANTED, gone=lambda: False)
    assert HELD_S <= stage.clock.now_s <= HELD_S + 1
    assert "gateway.sock" not in str(caught.value)


def test_a_new_call_does_not_wait_for_a_client_that_left(stage: Stage) -> None:
    stage.hub.error = HubUnavailable("away")
    with pytest.raises(CallCut):
        stage.side.admit(WANTED, gone=lambda: True)
    assert len(stage.hub.asked) == 1


def test_a_refusal_of_the_hub_is_not_waited_over(stage: Stage) -> None:
    stage.hub.error = Conflict("attempt 1 is no longer current")
    with pytest.raises(Conflict):
        stage.side.admit(WANTED, gone=lambda: False)
    assert len(stage.hub.asked) == 1


def test_usage_that_the_hub_could_not_hear_is_told_later_in_order(stage: Stage) -> None:
    stage.hub.error = HubUnavailable("away")
    stage.side.report("call-1", Usage(output_tokens=1), "200")
    stage.side.report("call-2", Usage(output_tokens=2), "cut")
    stage.side.report_unsent()
    stage.hub.error = None
    stage.hub.asked.clear()
    stage.side.report_unsent()
    stage.side.report_unsent()
    assert [(path, body["output_tokens"]) for path, body in stage.hub.asked] == [
        ("/api/hub/model-calls/call-1/usage", 1),
        ("/api/hub/model-calls/call-2/usage", 2),
    ]


def test_usage_that_the_hub_refuses_is_not_told_again(stage: Stage) -> None:
    stage.hub.error = Conflict("no")
    stage.side.report("call-1", Usage(), "200")
    stage.hub.asked.clear()
    stage.side.report_unsent()
    assert stage.hub.asked == []
