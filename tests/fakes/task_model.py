"""What a hub's tasks should be after any events: the rules once more, as plainly as they can be written."""

from dataclasses import dataclass, field

LEASE_S = 30.0
OVERTIME_S = 60.0
OPEN = ("queued", "leased", "running")
LIVE = ("leased", "running")


@dataclass
class ModelTask:
    """One task; `until` and `began` are boot clock seconds, `deadline` wall clock seconds."""

    id: str
    agent: str
    max_attempts: int
    timeout: float
    deadline: float | None
    state: str = "queued"
    attempt: int = 0
    holder: str = ""
    last: str = ""  # who held it at its end; nobody once an attempt came to nothing
    until: float = 0.0
    began: float | None = None

    def lease(self, instance: str, boot: float) -> None:
        self.state, self.holder, self.began, self.last = "leased", instance, None, instance
        self.attempt += 1
        self.until = boot + LEASE_S

    def held_by(self, instance: str, attempt: int) -> bool:
        return self.state in LIVE and (self.holder, self.attempt) == (instance, attempt)

    def end(self, state: str) -> None:
        self.state, self.holder, self.began = state, "", None

    def lose(self) -> None:
        """The attempt came to nothing: another, while there are any."""
        self.end("dead" if self.attempt >= self.max_attempts else "queued")
        self.last = self.last if self.state == "dead" else ""

    def after(self, boot: float, wall: float) -> None:
        """Time has passed, and the hub has looked."""
        if self.state not in OPEN:
            return
        overtime = self.began is not None and boot > self.began + self.timeout + OVERTIME_S
        if overtime or (self.deadline is not None and wall > self.deadline):
            self.end("timed_out")
        elif self.state in LIVE and boot > self.until:
            self.lose()

    def after_restart(self, boot: float, *, rebooted: bool) -> None:
        if self.state in LIVE:
            self.until = boot + LEASE_S
        if self.began is not None:
            began = boot if rebooted else self.began
            self.began = max(began, boot + LEASE_S - self.timeout)


@dataclass
class ModelAgent:
    """An instance as it sees itself: what it was given, and what it believes to hold."""

    agent: str
    replica: int
    instance: str
    given: list[tuple[str, int]] = field(default_factory=list)
    holds: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Model:
    """All tasks in the order of their submission, and the answers that were given."""

    tasks: dict[str, ModelTask] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    answered: set[tuple[str, str]] = field(default_factory=set)

    def next_for(self, agent: str) -> ModelTask | None:
        waiting = (t for t in self.tasks.values() if t.state == "queued" and t.agent == agent)
        return next(waiting, None)

    def held_by(self, instance: str) -> list[ModelTask]:
        return [t for t in self.tasks.values() if t.state in LIVE and t.holder == instance]

    def gone(self, instance: str) -> None:
        for task in self.held_by(instance):
            task.lose()
        self.answered = {each for each in self.answered if each[0] != instance}
