"""The supervisor: up in order, up again when one falls, down in reverse, and no loop around a mistake."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from agentctl.supervise.serve import Ended, Member, Supervisor


@dataclass
class Stage:
    """What the children, the signals and the clock have in common: one time, one diary."""

    now_s: float = 100.0
    diary: list[str] = field(default_factory=list)
    at: dict[float, Callable[[], None]] = field(default_factory=dict)
    asked: int = 0
    reload: bool = False

    def wait(self, timeout_s: float) -> None:
        """Let time pass up to the next thing that happens, or to the timeout."""
        due = min((when for when in self.at if when >= self.now_s), default=None)
        if due is not None and due <= self.now_s + timeout_s:
            self.now_s = due
            self.at.pop(due)()
        else:
            assert timeout_s < 3600, "nothing would ever happen"
            self.now_s += max(timeout_s, 0)

    def ask(self) -> None:
        self.asked += 1

    def hang_up(self) -> None:
        self.reload = True

    def ask_twice(self) -> None:
        self.asked += 2


@dataclass
class Actor:
    """A child that does as it is told."""

    name: str
    stage: Stage
    started_s: float = 0.0
    pid: int = 0
    code: int | None = None
    words: str = ""
    stubborn: bool = False

    def start(self) -> None:
        self.started_s, self.code, self.pid = self.stage.now_s, None, 7
        self.stage.diary.append(f"start {self.name}")

    def falls(self, code: int = 1) -> None:
        self.code = code

    def ended(self) -> int | None:
        code, self.code = self.code, None
        if code is not None:
            self.pid = 0
        return code

    def reload(self) -> None:
        self.stage.diary.append(f"reload {self.name}")

    def stop(self, within_s: float, *, hurry: Callable[[], bool]) -> bool:
        self.stage.diary.append(f"stop {self.name}" + (" now" if hurry() else ""))
        self.pid = 0
        return not self.stubborn

    def last_words(self) -> str:
        return self.words


def serving(stage: Stage, *members: Member, up: Callable[[], None] = lambda: None) -> Ended:
    supervisor = Supervisor(
        members,
        signals=stage,
        say=lambda line: None,
        random=lambda: 0.0,
        now_s=lambda: stage.now_s,
    )
    return supervisor.run(up=up)


def test_children_start_in_order_and_stop_in_reverse() -> None:
    stage = Stage()
    stage.at[200.0] = stage.ask
    members = [
        Member(child=Actor(name, stage), stop_s=1) for name in ("hub", "gateway", "reconciler")
    ]
    assert serving(stage, *members) == Ended(code=0)
    assert stage.diary == [
        "start hub",
        "start gateway",
        "start reconciler",
        "stop reconciler",
        "stop gateway",
        "stop hub",
    ]


def test_the_next_child_starts_only_when_the_one_before_is_ready() -> None:
    stage = Stage()
    stage.at[300.0] = stage.ask
    hub = Member(child=Actor("hub", stage), stop_s=1, ready=lambda: stage.now_s > 105)
    born: list[float] = []
    gateway = Actor("gateway", stage)
    assert serving(stage, hub, Member(child=gateway, stop_s=1), up=lambda: born.append(stage.now_s))
    assert 105 < gateway.started_s < 106
    assert born == [gateway.started_s]


def test_a_hub_that_cannot_start_ends_serving_with_its_words_and_its_code() -> None:
    stage = Stage()
    hub = Actor("hub", stage, words="127.0.0.1:8700 is in use")
    stage.at[101.0] = lambda: hub.falls(4)
    member = Member(child=hub, stop_s=1, ready=lambda: False, vital=True)
    ended = serving(stage, member, Member(child=Actor("gateway", stage), stop_s=1))
    assert ended == Ended(code=4, words="hub: 127.0.0.1:8700 is in use")
    assert stage.diary == ["start hub"]


def test_a_hub_that_seems_ready_but_falls_at_once_ends_serving_too() -> None:
    stage = Stage()
    hub = Actor("hub", stage, words="another hub has the state open")
    stage.at[101.0] = lambda: hub.falls(1)
    ended = serving(stage, Member(child=hub, stop_s=1, vital=True))
    assert ended == Ended(code=1, words="hub: another hub has the state open")


def test_a_hub_that_is_killed_in_its_first_seconds_is_started_again() -> None:
    stage = Stage()
    hub = Actor("hub", stage)
    stage.at[101.0] = lambda: hub.falls(137)
    stage.at[200.0] = stage.ask
    assert serving(stage, Member(child=hub, stop_s=1, vital=True)) == Ended(code=0)
    assert stage.diary == ["start hub", "start hub", "stop hub"]


def test_a_child_that_falls_is_started_again_later_each_time() -> None:
    stage = Stage()
    gateway = Actor("gateway", stage)
    starts: list[float] = []
    begin = gateway.start

    def start() -> None:
        begin()
        starts.append(stage.now_s)
        stage.at[stage.now_s + 1] = gateway.falls if len(starts) < 4 else stage.ask

    gateway.start = start  # type: ignore[method-assign]
    serving(stage, Member(child=gateway, stop_s=1))
    assert [after - before for before, after in pairwise(starts)] == [
        1 + 0.5,
        1 + 1.0,
        1 + 2.0,
    ]


def test_a_vital_child_that_has_run_well_is_started_again_like_any_other() -> None:
    stage = Stage()
    hub = Actor("hub", stage)
    stage.at[150.0] = hub.falls
    stage.at[200.0] = stage.ask
    assert serving(stage, Member(child=hub, stop_s=1, vital=True)) == Ended(code=0)
    assert stage.diary == ["start hub", "start hub", "stop hub"]


def test_a_second_request_to_end_gives_no_more_time() -> None:
    stage = Stage()
    stage.at[200.0] = stage.ask_twice
    serving(stage, Member(child=Actor("hub", stage), stop_s=1))
    assert stage.diary == ["start hub", "stop hub now"]


def test_a_hang_up_has_the_follower_read_the_files_again_and_nobody_ends() -> None:
    stage = Stage()
    hub, follow = Actor("hub", stage), Actor("follow", stage)
    stage.at = {110.0: stage.hang_up, 120.0: stage.ask}
    serving(
        stage,
        Member(child=hub, stop_s=5),
        Member(child=follow, stop_s=5, reloads=True),
    )
    assert stage.diary == ["start hub", "start follow", "reload follow", "stop follow", "stop hub"]


def test_a_hang_up_without_a_follower_says_how_files_are_applied() -> None:
    stage = Stage()
    said: list[str] = []
    stage.at = {110.0: stage.hang_up, 120.0: stage.ask}
    Supervisor(
        [Member(child=Actor("hub", stage), stop_s=5)],
        signals=stage,
        say=said.append,
        random=lambda: 0.0,
        now_s=lambda: stage.now_s,
    ).run()
    assert any("agentctl apply" in line for line in said)
    assert stage.diary == ["start hub", "stop hub"]
