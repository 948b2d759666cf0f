"""An instance in a loop is told to wait, with when to come back; the others notice nothing."""

from types import SimpleNamespace

import falcon.testing
import pytest

from agentctl.hub import agents, agents_app
from agentctl.model.principal import AgentPrincipal
from agentctl.service import authenticate, poll, report
from agentctl.service.rate import ASKERS_REMEMBERED_MAX, Rate
from tests.fakes.clock import ManualClock

PATH = "/api/hub/messages"
BEAT = {"id": "beat.1", "type": "agent.heartbeat", "payload": {"holds": []}}


def test_a_burst_is_taken_and_then_a_steady_rate() -> None:
    rate = Rate(per_s=2.0, burst=3)
    assert [rate.wait_s("a", 10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert rate.wait_s("a", 10.25) == 0.25
    assert rate.wait_s("a", 10.5) == 0.0
    assert rate.wait_s("a", 10.5) == 0.5


def test_one_askers_loop_costs_the_others_nothing() -> None:
    rate = Rate(per_s=1.0, burst=1)
    assert [rate.wait_s("a", 0.0), rate.wait_s("a", 0.0), rate.wait_s("b", 0.0)] == [0.0, 1.0, 0.0]


def test_a_long_silence_saves_up_no_more_than_a_burst() -> None:
    rate = Rate(per_s=1.0, burst=2)
    rate.wait_s("a", 0.0)
    assert [rate.wait_s("a", 1e6) for _ in range(3)] == [0.0, 0.0, 1.0]


def test_askers_are_forgotten_the_longest_quiet_first() -> None:
    rate = Rate(per_s=0.001, burst=1)
    for number in range(ASKERS_REMEMBERED_MAX):
        rate.wait_s(f"a{number}", 0.0)
    assert rate.wait_s("a0", 0.0) > 0  # and is now the one heard of last
    rate.wait_s("one more", 0.0)
    assert rate.wait_s("a0", 0.0) > 0
    assert rate.wait_s("a1", 0.0) == 0.0


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> falcon.testing.TestClient:
    monkeypatch.setattr(agents, "REQUESTS_BURST", 3)

    def whose(_hub: object, svid: str, _peer: object) -> AgentPrincipal:
        return AgentPrincipal(fleet="acme", agent="researcher", instance=svid)

    monkeypatch.setattr(authenticate, "agent", whose)
    monkeypatch.setattr(poll, "poll", lambda *_args, **_asked: [])
    monkeypatch.setattr(report, "report", lambda _hub, _who, said, **_more: {"id": said["id"]})
    hub = SimpleNamespace(version="1", clock=ManualClock())
    return falcon.testing.TestClient(agents_app(hub))  # type: ignore[arg-type]


def test_polls_and_messages_of_one_instance_count_together(
    client: falcon.testing.TestClient,
) -> None:
    looping, other = ({"Authorization": f"Bearer inst-{each}"} for each in "ab")
    for _ in range(2):
        assert client.simulate_get(PATH, headers=looping).status_code == 200
    assert client.simulate_post(PATH, headers=looping, json=BEAT).status_code == 200
    for refused in (
        client.simulate_get(PATH, headers=looping),
        client.simulate_post(PATH, headers=looping, json=BEAT),
    ):
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "1"
        assert refused.json["type"] == "urn:agentctl:problem:throttled"
    assert client.simulate_get(PATH, headers=other).status_code == 200
