"""When a provider is probed, how often, and what a gateway that starts anew takes up."""

import threading
from dataclasses import replace
from typing import Any

from agentctl.gateway.away_watch import KEY_S, LATER_S, LONG_AWAY_S, SILENT_EVERY_S, AwayWatch
from agentctl.gateway.circuits import Circuits
from agentctl.gateway.hub_side import HubSide
from agentctl.gateway.key_watch import KeyWatch
from agentctl.model.away import Cause
from agentctl.model.digest import plain
from agentctl.model.fleet import Provider, ProviderKind
from agentctl.monitor.circuit import State, Trouble
from agentctl.providers.keys import Keys

OLLAMA = Provider(
    name="ollama",
    kind=ProviderKind.OLLAMA,
    base_url="http://127.0.0.1:11434",
    model="qwen3",
    boundary="private",
)
DOWN = Trouble(cause=Cause.UNREACHABLE, why="down")
REFUSED = Trouble(cause=Cause.KEY, why="provider ollama refuses the key (401)")


class Stage:
    """A watch over one provider, whose probes answer what `says` holds; a clock that stands still."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.says: Trouble | None = DOWN
        self.probed: list[float] = []
        self.circuits = Circuits(now_s=lambda: self.now_s, wall_s=lambda: self.now_s)
        self.silent: tuple[Provider, ...] = ()
        self.watch = AwayWatch(
            self.circuits, self._probe, now_s=lambda: self.now_s, silent=lambda: self.silent
        )
        self.watch.declared((OLLAMA,))

    def _probe(self, provider: Provider) -> Trouble | None:
        assert provider == OLLAMA
        self.probed.append(self.now_s)
        return self.says

    def look(self) -> None:
        """Look once, and wait for the probe that it may have begun."""
        before = set(threading.enumerate())
        self.watch.look()
        for each in set(threading.enumerate()) - before:
            each.join(10)

    def pass_s(self, seconds: float, *, step_s: float = 1.0) -> None:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += step_s
            self.look()

    def away(self) -> None:
        self.watch.suspect(OLLAMA)
        self.look()
        self.pass_s(1.0)
        assert self.circuits.own("ollama").state is State.OPEN
        self.probed.clear()


def test_a_provider_that_nobody_suspects_is_never_probed() -> None:
    stage = Stage()
    stage.pass_s(100.0)
    assert stage.probed == []


def test_one_that_is_suspected_for_nothing_is_probed_once() -> None:
    stage = Stage()
    stage.says = None
    stage.watch.suspect(OLLAMA)
    stage.look()
    stage.pass_s(10.0)
    assert stage.probed == [100.0]


def test_suspicions_without_number_cost_a_probe_a_second() -> None:
    stage = Stage()
    stage.says = None
    for _ in range(50):
        stage.watch.suspect(OLLAMA)
        stage.look()
        stage.now_s += 0.1
    assert len(stage.probed) <= 6


def test_one_that_is_away_is_probed_every_two_seconds_and_later_less() -> None:
    stage = Stage()
    stage.away()
    stage.pass_s(10.0)
    assert len(stage.probed) == 5
    stage.pass_s(LONG_AWAY_S)
    stage.probed.clear()
    stage.pass_s(10 * LATER_S)
    assert len(stage.probed) == 10


def test_a_refused_key_is_tried_seldom_and_counts_again_by_itself() -> None:
    stage = Stage()
    stage.says = REFUSED
    stage.away()
    stage.pass_s(4 * KEY_S)
    assert len(stage.probed) == 4
    stage.says = None
    stage.pass_s(KEY_S + 2.0)
    assert stage.circuits.rows() == ()


def test_one_whose_calls_wait_long_is_probed_now_and_then_and_held_if_it_hangs() -> None:
    stage = Stage()
    stage.silent, stage.says = (OLLAMA,), None
    stage.pass_s(SILENT_EVERY_S)
    assert len(stage.probed) == 1, "it only takes its time"
    stage.says = DOWN
    stage.pass_s(SILENT_EVERY_S + 2.0)
    assert [row.provider for row in stage.circuits.rows()] == ["ollama"]


def test_confirming_asks_twice_and_not_again_what_is_known() -> None:
    stage = Stage()
    stage.watch.confirm(OLLAMA)
    assert (len(stage.probed), stage.circuits.own("ollama").state) == (2, State.OPEN)
    stage.watch.confirm(OLLAMA)
    assert len(stage.probed) == 2


def test_a_probe_that_breaks_ends_neither_the_watch_nor_its_turn() -> None:
    stage = Stage()
    asked: list[Provider] = []

    def breaks(provider: Provider) -> Trouble | None:
        asked.append(provider)
        raise RuntimeError("nobody planned for this")

    stage.watch = AwayWatch(stage.circuits, breaks, now_s=lambda: stage.now_s)
    for _ in range(2):
        stage.watch.suspect(OLLAMA)
        stage.look()
        stage.now_s += 5.0
    assert asked == [OLLAMA, OLLAMA]


class Hub:
    """Holds work for a provider since before the gateway was there."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        row = {"provider": "ollama", "agent": "", "cause": "unreachable", "why": "down"}
        self.row = {**row, "trial": False, "until_s": None}

    def post(self, path: str, body: Any, headers: Any = None, timeout_s: Any = None) -> Any:
        assert path == "/api/hub/providers"
        self.told.append(body)
        return {"generation": 3, "providers": [plain(OLLAMA)], "away": [self.row]}

    def close(self) -> None:
        pass


def test_a_gateway_that_starts_takes_up_what_the_hub_holds_and_probes_it() -> None:
    stage, hub = Stage(), Hub()
    side = HubSide(hub, now_s=lambda: stage.now_s, wait=lambda _: False)
    keys = Keys(now_s=lambda: stage.now_s)
    watch = KeyWatch(side, keys, stage.circuits, stage.watch, now_s=lambda: stage.now_s)
    watch.look()
    assert [each["generation"] for each in hub.told] == [0, 3]
    assert hub.told[-1]["away"] == [hub.row]
    stage.says = None
    stage.pass_s(3.0)
    watch.look()
    assert hub.told[-1]["away"] == []


def test_what_was_found_of_a_provider_that_is_declared_otherwise_now_is_forgotten() -> None:
    stage = Stage()
    stage.away()
    stage.circuits.declared((replace(OLLAMA, base_url="http://127.0.0.1:9"),))
    assert stage.circuits.rows() == ()
