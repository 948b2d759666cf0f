"""What wakes a pass, what a late engine may say, and what is said of a hub that is away."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from agentctl.errors import AgentctlError, ConfigError, EngineUnavailable, HubUnavailable
from agentctl.loops.checks import Checks, HubHealth
from agentctl.loops.engines import Engines
from agentctl.loops.evidence import Evidence
from agentctl.loops.hub_side import Applied, HubSide
from agentctl.loops.watch import Watch
from agentctl.model.digest import plain
from agentctl.model.fleet import Host
from agentctl.model.instance import ObservedHost
from agentctl.model.plan import Remove
from tests.fakes.engine import FakeEngine
from tests.unit.reconcile.declared import OURS, RESEARCHER, fleet

FLEET = fleet(RESEARCHER)
WITHIN_S = 10.0


class SlowEngine(FakeEngine):
    """An engine that answers when it is let."""

    let = threading.Event()

    def observe(self) -> ObservedHost:
        self.let.wait(WITHIN_S)
        return super().observe()


def engine(kind: type[FakeEngine] = FakeEngine) -> FakeEngine:
    return kind(
        host=Host(name="local", engine_url="unix:///e.sock"), installation=OURS, fleet="acme"
    )


@pytest.fixture
def look() -> Iterator[Callable[..., ObservedHost]]:
    opened: list[Engines] = []
    SlowEngine.let.clear()

    def look_with(made: FakeEngine | AgentctlError, *, times: int = 1) -> ObservedHost:
        def opener(host: Host, *, installation: str, fleet: str) -> FakeEngine:
            if isinstance(made, AgentctlError):
                raise made
            return made

        engines = Engines(opener, observe_s=0.05)
        opened.append(engines)
        for _ in range(times):
            (seen,) = engines.observe(FLEET, installation=OURS).hosts
        return seen

    yield look_with
    SlowEngine.let.set()
    for each in opened:
        each.close()


def test_an_engine_that_is_late_counts_as_away(look: Callable[..., ObservedHost]) -> None:
    assert look(engine(SlowEngine)).error == "no answer within 0.05 s"


def test_what_a_late_engine_says_in_the_end_is_not_taken_for_news(
    look: Callable[..., ObservedHost],
) -> None:
    assert look(engine(SlowEngine), times=2).error == "still no answer after 0.05 s"


def test_an_engine_that_cannot_be_opened_is_an_unreachable_host(
    look: Callable[..., ObservedHost],
) -> None:
    assert look(ConfigError("no engine for 'tcp://x'")).error == "no engine for 'tcp://x'"


def test_an_engine_that_was_never_reached_cannot_be_asked_for() -> None:
    engines = Engines(lambda host, *, installation, fleet: engine())
    with pytest.raises(EngineUnavailable):
        engines.of("local")
    engines.close()


class Polls:
    """A hub that answers polls from a script; the last answer sets `stop`."""

    def __init__(self, *script: dict[str, Any] | Exception, stop: threading.Event) -> None:
        self.script = list(script)
        self.stop = stop
        self.asked: list[Any] = []
        self.wakes: list[Any] = []

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        assert params is not None
        self.asked.append(params["after"])
        self.wakes.append(params["wakes"])
        answer = self.script.pop(0)
        if not self.script:
            self.stop.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def post(self, path: str, body: Any) -> dict[str, Any]:
        raise AssertionError(f"watching asks, it changes nothing: POST {path}")


def generation(number: int, *, newer: bool) -> dict[str, Any]:
    return {
        "generation": number,
        "digest": "d",
        "prune": False,
        "mode": "normal",
        "installation": OURS,
        "wakes": 0,
        "desired": plain(FLEET) if newer else None,
    }


def watched(*script: dict[str, Any] | Exception) -> tuple[list[Applied], Polls]:
    stop = threading.Event()
    polls = Polls(*script, stop=stop)
    taken: list[Applied] = []
    watch = Watch(
        HubSide(polls),
        after=lambda: max([each.number for each in taken], default=0),
        take=taken.append,
        health=HubHealth(lambda: None),
        wake=threading.Event(),
        stop=stop,
        retry_s=0.0,
    )
    watch.start()
    watch.join(WITHIN_S)
    assert not watch.is_alive()
    return taken, polls


def test_a_newer_generation_is_taken_and_asked_after() -> None:
    taken, polls = watched(generation(1, newer=True), generation(1, newer=False))
    assert [each.desired for each in taken] == [FLEET, None]
    assert polls.asked == [0, 1]


def test_each_poll_goes_on_from_the_wakes_that_the_last_answer_counted() -> None:
    first = generation(1, newer=True) | {"wakes": 7}
    _, polls = watched(first, generation(1, newer=False))
    assert polls.wakes == [-1, 7]


def test_the_watch_goes_on_when_the_hub_comes_back() -> None:
    taken, _ = watched(HubUnavailable("away"), generation(1, newer=True))
    assert [each.number for each in taken] == [1]


def test_the_watch_survives_an_answer_that_it_cannot_read() -> None:
    taken, _ = watched({"generation": 1}, generation(1, newer=True))
    assert len(taken) == 1


def test_a_hub_that_goes_and_comes_is_said_once_each(caplog: pytest.LogCaptureFixture) -> None:
    health = HubHealth(lambda: None)
    with caplog.at_level(logging.INFO):
        for problem in ("refused", "refused", "", ""):
            health.saw(problem)
    assert [each.getMessage() for each in caplog.records] == [
        "the hub is away: refused",
        "the hub is back",
    ]


def test_a_check_runs_again_and_again_and_its_interval_can_change() -> None:
    ran = threading.Semaphore(0)
    checks = Checks()
    checks.every(3600, "drift", lambda: None)
    checks.start()
    checks.every(0.01, "drift", ran.release)
    try:
        assert all(ran.acquire(timeout=WITHIN_S) for _ in range(2))
    finally:
        checks.close()


def test_the_evidence_of_an_orphan_is_a_file_for_the_operator_alone(tmp_path: Any) -> None:
    seen = engine()
    seen.containers["c/../1"] = None  # type: ignore[assignment]
    seen.logs = lambda container, tail: "the last words"  # type: ignore[method-assign]
    remove = Remove(
        host="local",
        agent="researcher",
        replica=0,
        instance="inst-1",
        container="c/../1",
        grace_s=1.0,
        causes=(),
    )
    Evidence(tmp_path / "orphans").keep(remove, seen)
    (kept,) = (tmp_path / "orphans").iterdir()
    assert kept.name == "local-researcher-c_.._1.log"
    assert kept.read_text() == "the last words"
    assert kept.stat().st_mode & 0o777 == 0o600
