"""A poll passes on exactly what was asked, waits only when there is a place, and never starves the rest."""

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import falcon.testing
import pytest

from agentctl.hub import agents, agents_app
from agentctl.hub.long_polls import LongPolls
from agentctl.model.principal import AgentPrincipal
from agentctl.service import authenticate, poll
from tests.fakes.clock import ManualClock

TASK = "task-" + "0" * 26
WHO = AgentPrincipal(fleet="acme", agent="researcher", instance="inst-01")
PATH = "/api/hub/messages"
BEARER = {"Authorization": "Bearer a.b.c"}

Ask = Callable[..., falcon.testing.Result]


class Polled:
    """Stands in for the poll service: remembers how it was asked, answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.found: list[dict[str, Any]] = []
        self.waiting = threading.Semaphore(0)
        self.released = threading.Event()
        self.released.set()

    def __call__(self, hub: object, who: AgentPrincipal, **asked: Any) -> list[dict[str, Any]]:
        self.asked.append({**asked, "who": who})
        self.waiting.release()
        if asked["wait_s"]:
            assert self.released.wait(10)
        return self.found


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Polled]:
    stand_in = Polled()
    monkeypatch.setattr(authenticate, "agent", lambda hub, svid, peer: WHO)
    monkeypatch.setattr(poll, "poll", stand_in)
    yield stand_in
    stand_in.released.set()


@pytest.fixture
def ask(polled: Polled) -> Ask:
    hub = SimpleNamespace(version="1", clock=ManualClock())
    client = falcon.testing.TestClient(agents_app(hub))  # type: ignore[arg-type]
    return lambda query, **extras: client.simulate_get(
        PATH, query_string=query, headers=BEARER, extras=extras
    )


def test_what_was_asked_reaches_the_service_as_it_was_asked(ask: Ask, polled: Polled) -> None:
    result = ask(f"wait=2.5&slots=3&holds={TASK}:1&holds={TASK}:12&seen=msg-1&mail=16")
    assert result.json == {"messages": []}
    [asked] = polled.asked
    del asked["gone"]
    assert asked == {
        "who": WHO,
        "slots": 3,
        "holds": ((TASK, 1), (TASK, 12)),
        "wait_s": 2.5,
        "take": 16,
        "seen": "msg-1",
    }


def test_a_bare_poll_neither_waits_nor_takes_work_nor_mail(ask: Ask, polled: Polled) -> None:
    ask("")
    asked = polled.asked[0]
    assert (asked["wait_s"], asked["slots"], asked["take"], asked["seen"]) == (0.0, 0, 0, "")


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("wait=31", ["?wait"]),
        ("wait=-1", ["?wait"]),
        ("wait=nan", ["?wait"]),
        ("wait=inf", ["?wait"]),
        ("wait=", ["?wait"]),
        ("wait=1_0", ["?wait"]),
        ("wait=1&wait=2", ["?wait"]),
        ("slots=65", ["?slots"]),
        ("slots=1.5", ["?slots"]),
        ("slots=%D9%A3", ["?slots"]),
        ("slots=1e1", ["?slots"]),
        ("holds=x", ["?holds"]),
        (f"holds={TASK}", ["?holds"]),
        (f"holds={TASK}:0", ["?holds"]),
        (f"holds={TASK}:1%0A", ["?holds"]),
        ("&".join([f"holds={TASK}:1"] * 65), ["?holds"]),
        ("seen=a%00b", ["?seen"]),
        ("seen=msg-1%0A", ["?seen"]),
        ("mail=17", ["?mail"]),
        ("mail=-1", ["?mail"]),
        ("wiat=20", ["?wiat"]),
        ("wait=x&slots=y&z=1", ["?wait", "?slots", "?z"]),
    ],
)
def test_everything_wrong_with_a_query_is_listed(
    ask: Ask, polled: Polled, query: str, pointers: list[str]
) -> None:
    result = ask(query)
    assert result.status_code == 422
    assert [each["pointer"] for each in result.json["errors"]] == pointers
    assert polled.asked == []


@pytest.mark.parametrize("which", ["waitress.client_disconnected", "agentctl.closing"])
def test_a_poll_ends_when_its_client_left_or_the_server_closes(
    ask: Ask, polled: Polled, which: str
) -> None:
    ask("", **{which: lambda: True})
    ask("", **{which: lambda: False})
    assert [each["gone"]() for each in polled.asked] == [True, False]


def in_background(ask: Ask, query: str) -> threading.Thread:
    thread = threading.Thread(target=ask, args=(query,), daemon=True)
    thread.start()
    return thread


def test_an_instance_that_polls_many_times_at_once_waits_in_two_places_only(
    ask: Ask, polled: Polled
) -> None:
    polled.released.clear()
    waiting = [in_background(ask, "wait=20") for _ in range(agents.POLLS_WAITING_EACH_MAX)]
    assert all(polled.waiting.acquire(timeout=10) for _ in waiting)
    over = ask("wait=20")
    assert over.status_code == 429
    assert over.headers["retry-after"] == "2"
    assert polled.asked[-1]["wait_s"] == 0.0
    polled.released.set()
    for thread in waiting:
        thread.join(10)
    assert ask("wait=20").status_code == 200


def test_without_a_place_to_wait_work_is_still_handed_out(ask: Ask, polled: Polled) -> None:
    polled.released.clear()
    waiting = [in_background(ask, "wait=20") for _ in range(agents.POLLS_WAITING_EACH_MAX)]
    assert all(polled.waiting.acquire(timeout=10) for _ in waiting)
    polled.found = [{"type": "task.cancel"}]
    assert ask("wait=20").json == {"messages": [{"type": "task.cancel"}]}


def test_without_a_place_a_poll_that_does_not_want_to_wait_is_answered(
    ask: Ask, polled: Polled
) -> None:
    polled.released.clear()
    waiting = [in_background(ask, "wait=20") for _ in range(agents.POLLS_WAITING_EACH_MAX)]
    assert all(polled.waiting.acquire(timeout=10) for _ in waiting)
    assert ask("").json == {"messages": []}


def test_places_are_bounded_in_all_and_for_each_and_come_back() -> None:
    places = LongPolls(places=3, each=2)
    with places.place("a") as one, places.place("a") as two, places.place("a") as three:
        assert (one, two, three) == (True, True, False)
        with places.place("b") as fourth, places.place("c") as fifth:
            assert (fourth, fifth) == (True, False)
    with places.place("a") as again:
        assert again


def test_a_place_comes_back_when_the_wait_fails() -> None:
    places = LongPolls(places=1, each=1)
    with pytest.raises(RuntimeError), places.place("a"):
        raise RuntimeError
    with places.place("a") as again:
        assert again


def test_results_find_a_thread_while_all_places_are_taken() -> None:
    from agentctl import bootstrap

    assert agents.POLLS_WAITING_MAX <= bootstrap.AGENT_THREADS - 16
