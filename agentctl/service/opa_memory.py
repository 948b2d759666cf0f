"""What the hub remembers of OPA: which verbs it leaves without an answer, answers of seconds, tasks that wait.

All of it may be lost: verbs are asked again, and held tasks are looked at anew after a restart.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from agentctl.model.decision import Question
from agentctl.model.fleet import Opa
from agentctl.opa import Answer

KEPT_S = 5.0  # how long an answer about a model call counts; see docs/decisions/0022-opa.md
KEPT_MAX = 10_000  # questions: agents × providers × levels of a large fleet; some 10 MB

Key = tuple[int, Question]  # the generation is part of it: no answer outlives one


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A verb's newest question that got no answer, why, since when (wall clock), and when it was asked
    (CLOCK_BOOTTIME)."""

    question: Question
    why: str
    since_s: float
    asked_s: float


@dataclass(slots=True)
class OpaMemory:
    """Threads share it. `owed` are tasks to be asked about, `unanswered` those that got no answer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    where: Opa = field(default_factory=Opa)
    silent: dict[str, Silence] = field(default_factory=dict)
    kept: "OrderedDict[Key, tuple[Answer, float]]" = field(default_factory=OrderedDict)
    owed: dict[str, None] = field(default_factory=dict)
    unanswered: dict[str, None] = field(default_factory=dict)
    swept_s: float | None = None  # boot time when all held tasks were looked at last

    def of(self, where: Opa) -> None:
        """Begin anew when another server is asked than before, or none."""
        with self.lock:
            if self.where != where:
                self.where = where
                self.silent.clear()
                self.swept_s = None

    def keep(self, key: Key, answer: Answer, *, now_s: float) -> None:
        with self.lock:
            self.kept[key] = (answer, now_s + KEPT_S)
            self.kept.move_to_end(key)
            while len(self.kept) > KEPT_MAX:
                self.kept.popitem(last=False)

    def known(self, key: Key, *, now_s: float) -> Answer | None:
        """Return an answer that still counts, None when there is none."""
        answer, until_s = self.kept.get(key, (None, 0.0))
        return answer if now_s < until_s else None

    def owe(self, task_ids: Iterable[str]) -> None:
        """Remember tasks that are to be asked about, in their order."""
        with self.lock:
            self.owed.update(dict.fromkeys(task_ids))

    def take(self, most: int) -> list[str]:
        """Take the next tasks to be asked about."""
        with self.lock:
            taken = list(islice(self.owed, most))
            for each in taken:
                del self.owed[each]
            return taken

    def left_unanswered(self, task_ids: Iterable[str]) -> None:
        with self.lock:
            self.unanswered.update(dict.fromkeys(task_ids))

    def owe_unanswered(self) -> None:
        """It answers again: what it left without an answer is asked about anew."""
        with self.lock:
            self.owed.update(self.unanswered)
            self.unanswered.clear()
