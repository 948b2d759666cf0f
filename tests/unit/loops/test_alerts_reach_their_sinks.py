"""The reconciler's part: its findings to the hub, the hub's alerts to the sinks, none lost, none in the way."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from agentctl.audit.sinks import SinkFailed
from agentctl.errors import HubUnavailable
from agentctl.loops.alerting import Alerting
from agentctl.loops.hub_side import Applied, HubSide
from agentctl.loops.telling import QUEUE_MAX, Telling
from agentctl.model.fleet import Sink, SinkKind
from tests.unit.loops.world import World
from tests.unit.reconcile.declared import OURS, RESEARCHER, fleet

LOG = Sink(kind=SinkKind.LOG)
HOOK = Sink(kind=SinkKind.WEBHOOK, url="http://127.0.0.1:9/")
WITHIN_S = 10.0


def row(seq: int, check: str = "engine") -> dict[str, Any]:
    return {
        "check": check,
        "subject": "",
        "severity": "warning",
        "state": "firing",
        "words": f"number {seq}",
        "first_s": 1.0,
        "since_s": 1.0,
        "last_s": 1.0,
        "count": 1,
        "origin": "hub",
        "seq": seq,
    }


def until(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not look():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


class Ears:
    """Sinks that remember; a webhook can be made to fail so many times, or to hang."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.failures = 0
        self.hang = threading.Event()
        self.hang.set()

    def tell(self, sink: Sink, document: Mapping[str, Any]) -> None:
        if sink.kind is SinkKind.WEBHOOK:
            assert self.hang.wait(WITHIN_S)
            if self.failures:
                self.failures -= 1
                raise SinkFailed("503")
        self.heard.append((sink.kind.value, str(document["words"])))


@pytest.fixture
def ears() -> Iterator[Ears]:
    made = Ears()
    yield made
    made.hang.set()


@pytest.fixture
def telling(ears: Ears) -> Iterator[Telling]:
    made = Telling(resolve=lambda _: b"", tell=ears.tell, tries_apart_s=(0.0, 0.0))
    yield made
    made.close()


def use(telling: Telling, *sinks: Sink) -> None:
    telling.use(sinks, fleet="acme", installation=OURS)


def test_each_sink_is_told_once_of_each_alert_in_order(telling: Telling, ears: Ears) -> None:
    use(telling, LOG, HOOK)
    telling.tell([row(1), row(2)])
    telling.tell([row(1), row(2), row(3)])  # the hub gives again what wasn't told yet
    until(lambda: telling.told == 3)
    for kind in ("log", "webhook"):
        assert [words for which, words in ears.heard if which == kind] == [
            "number 1",
            "number 2",
            "number 3",
        ]


def test_a_sink_that_fails_is_tried_again_and_then_given_up(telling: Telling, ears: Ears) -> None:
    use(telling, HOOK)
    ears.failures = 2
    telling.tell([row(1)])
    until(lambda: telling.told == 1)
    assert ears.heard == [("webhook", "number 1")]
    ears.failures = 3
    telling.tell([row(2), row(3)])
    until(lambda: telling.told == 3)
    assert ears.heard[1:] == [("webhook", "number 3")]


def test_a_sink_that_hangs_holds_up_no_other_and_is_not_counted_as_told(
    telling: Telling, ears: Ears
) -> None:
    use(telling, LOG, HOOK)
    ears.hang.clear()
    telling.tell([row(1), row(2)])
    until(lambda: len(ears.heard) == 2)
    assert {kind for kind, _ in ears.heard} == {"log"}
    assert telling.told == 0
    ears.hang.set()
    until(lambda: telling.told == 2)


def test_what_a_lagging_sink_has_no_room_for_is_taken_later(telling: Telling, ears: Ears) -> None:
    use(telling, HOOK)
    ears.hang.clear()
    many = [row(seq) for seq in range(1, QUEUE_MAX + 50)]
    telling.tell(many)
    ears.hang.set()
    until(lambda: telling.told >= QUEUE_MAX)
    telling.tell(many)
    until(lambda: telling.told == len(many))
    assert len(ears.heard) == len(many)


def test_nobody_counts_as_told_before_it_is_known_who_is_to_be(telling: Telling) -> None:
    telling.tell([row(1)])
    assert telling.told == 0
    use(telling)
    telling.tell([row(1)])
    assert telling.told == 1


def test_a_new_sink_is_told_what_the_old_one_was_not(telling: Telling, ears: Ears) -> None:
    use(telling, HOOK)
    ears.hang.clear()
    telling.tell([row(1)])
    use(telling, LOG)
    telling.tell([row(1)])
    until(lambda: ("log", "number 1") in ears.heard)


class AlertsHub:
    """The one route of alerts."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.rows: list[dict[str, Any]] = []
        self.away = False

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        raise AssertionError(f"telling posts, it asks nothing: GET {path}")

    def post(self, path: str, body: Any) -> dict[str, Any]:
        assert path == "/api/hub/alerts/report"
        if self.away:
            raise HubUnavailable("no such socket")
        self.bodies.append(body)
        return {"alerts": self.rows}


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.apply(fleet(RESEARCHER))
    yield made
    made.reconciler.close()


@pytest.fixture
def alerts_hub() -> AlertsHub:
    return AlertsHub()


@pytest.fixture
def alerting(world: World, alerts_hub: AlertsHub, telling: Telling) -> Alerting:
    made = Alerting(
        hub=HubSide(alerts_hub), reconciler=world.reconciler, telling=telling, clock=world.clock
    )
    made.take(
        Applied(number=1, digest="d", prune=False, installation=OURS, desired=fleet(RESEARCHER))
    )
    return made


def test_an_orphan_is_reported_from_its_second_scan_on_and_no_more_once_it_is_recycled(
    world: World, alerting: Alerting, alerts_hub: AlertsHub
) -> None:
    world.converge()
    world.hub.instances.clear()
    found = []
    for _ in range(3):
        world.converge()
        alerting.check()
        found.append([each["check"] for each in alerts_hub.bodies[-1]["findings"]])
        world.clock.advance(40.0)
    assert found == [[], ["orphan"], ["orphan"]]
    assert "recycled after 60 s" in alerts_hub.bodies[-1]["findings"][0]["words"]
    world.converge()
    alerting.check()
    assert alerts_hub.bodies[-1]["findings"] == []


def test_a_container_that_outlives_its_stop_is_reported(
    world: World, alerting: Alerting, alerts_hub: AlertsHub
) -> None:
    world.converge()
    world.engine.stop = lambda container, grace_s: None  # type: ignore[method-assign]
    world.clock.advance(RESEARCHER.ttl_s + RESEARCHER.grace_s + 91)
    world.converge()
    alerting.check()
    (found,) = alerts_hub.bodies[-1]["findings"]
    assert (found["check"], found["severity"]) == ("not-stopped", "critical")


def test_the_hubs_alerts_go_to_the_sinks_and_the_hub_hears_how_far(
    alerting: Alerting, alerts_hub: AlertsHub, telling: Telling, ears: Ears
) -> None:
    alerts_hub.rows = [row(5)]
    alerting.check()
    until(lambda: telling.told == 5)
    alerting.check()
    assert [each["told"] for each in alerts_hub.bodies] == [0, 5]
    assert ears.heard == [("log", "number 5")]


def test_a_hub_that_is_away_is_told_to_the_sinks_once_and_so_is_its_return(
    world: World, alerting: Alerting, alerts_hub: AlertsHub, ears: Ears
) -> None:
    alerts_hub.away = True
    alerting.check()  # nothing is raised
    for trouble in ("no such socket", "no such socket", "no such socket", "", ""):
        alerting.heard(trouble)
        world.clock.advance(20.0)
    until(lambda: len(ears.heard) == 2)
    assert [words for _, words in ears.heard] == [
        "the hub does not answer: no such socket",
        "the hub answers again",
    ]
