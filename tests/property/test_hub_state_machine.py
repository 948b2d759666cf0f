"""Whatever agents, operators, clocks and crashes do, and in any order: the hub's tasks are what the rules say.

The hub is the real service layer on a real store. A crash leaves its files as they are at that
instant, as kill -9 does; the next hub opens a copy of them.
"""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agentctl import failpoints
from agentctl.artifacts import Shelf
from agentctl.errors import AgentctlError, Conflict, StoreUnavailable
from agentctl.identity import Seal, Signer
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import NewTask
from agentctl.service import instances, watch
from agentctl.service import report as reporting
from agentctl.service import submit as submitting
from agentctl.service.cancel import cancel
from agentctl.service.context import Fleet, Hub
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from agentctl.store import Store, answers, generations, inspection
from agentctl.store import tasks as task_table
from agentctl.tasks import Impossible
from tests.fakes.clock import CountingIds, CountingRandomness, ManualClock
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.fakes.task_model import LIVE, OPEN, Model, ModelAgent, ModelTask
from tests.unit.service.conftest import ADMIN, HubAtHand

WHO = st.integers(0, 2)
WHICH = st.integers(0, 1_000)
HOUR_S = 3600.0
PLACES = (("researcher", 0), ("researcher", 1), ("thinker", 0))


class HubKeepsItsRules(RuleBasedStateMachine):
    """The model is tests.fakes.task_model."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="actl-machine-")
        self.root, self.lives = Path(self.folder.name), 0
        (self.root / "keys").mkdir(mode=0o700)
        self.clock, self.ids, self.model = ManualClock(), CountingIds(), Model()
        self.store = Store.open(self.root / "store-0", sync=False)
        self.at = HubAtHand(self.opened(), self.clock)
        self.at.apply(fleet(replace(RESEARCHER, replicas=2), THINKER))
        self.agents = [self.newborn(agent, replica) for agent, replica in PLACES]
        for agent, attempts in (("researcher", 1), ("researcher", 3), ("thinker", 2)):
            self.submit(agent=agent, max_attempts=attempts, timeout=600.0, deadline=None)

    def opened(self) -> Hub:
        keys = self.root / "keys"
        hub = Hub(
            store=self.store,
            clock=self.clock,
            ids=self.ids,
            randomness=CountingRandomness(),
            signer=Signer.open(keys),
            seal=Seal.open(keys),
            installation="here",
            version="test",
            uid=1000,
            shelf=Shelf(self.root / "artifacts"),
        )
        with self.store.read() as txn:
            newest = generations.latest(txn)
        hub.fleet = Fleet.of(newest) if newest else None
        watch.renew_all(hub)
        return hub

    def newborn(self, agent: str, replica: int) -> ModelAgent:
        return ModelAgent(agent, replica, self.at.born(agent, replica=replica).instance)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    # what operators do

    @rule(
        agent=st.sampled_from(("researcher", "thinker")),
        max_attempts=st.integers(1, 3),
        timeout=st.sampled_from((20.0, 600.0)),
        deadline=st.sampled_from((None, None, 50.0, 2 * HOUR_S)),
    )
    def submit(self, agent: str, max_attempts: int, timeout: float, deadline: float | None) -> None:
        key = f"key-{len(self.model.keys)}"
        new = self.new(key, agent, max_attempts, timeout, deadline)
        task, created = submit(self.at.hub, new, ADMIN)
        assert created
        self.keep(key, new, task.id)

    def new(
        self, key: str, agent: str, max_attempts: int, timeout: float, deadline: float | None
    ) -> NewTask:
        due = None if deadline is None else self.clock.wall + deadline
        return NewTask(
            prompt=key,
            agent=agent,
            sensitivity="internal",
            max_attempts=max_attempts,
            timeout_s=timeout,
            deadline_s=due,
            idempotency_key=key,
        )

    def keep(self, key: str, new: NewTask, task_id: str) -> None:
        assert task_id not in self.model.tasks
        assert new.agent
        self.model.keys[key] = task_id
        self.model.tasks[task_id] = ModelTask(
            task_id, new.agent, new.max_attempts, new.timeout_s, new.deadline_s
        )
        self.requests = {**getattr(self, "requests", {}), key: new}

    @precondition(lambda self: self.model.keys)
    @rule(which=WHICH)
    def submit_again(self, which: int) -> None:
        key = list(self.model.keys)[which % len(self.model.keys)]
        task, created = submit(self.at.hub, self.requests[key], ADMIN)
        assert (task.id, created) == (self.model.keys[key], False)

    @precondition(lambda self: self.model.tasks)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        task = self.task(which)
        try:
            cancel(self.at.hub, task.id, ADMIN)
        except Conflict:
            assert task.state not in (*OPEN, "cancelled")
        else:
            assert task.state in (*OPEN, "cancelled")
            task.end("cancelled")

    def task(self, which: int) -> ModelTask:
        return list(self.model.tasks.values())[which % len(self.model.tasks)]

    # what agents do

    @rule(who=WHO, answer_lost=st.booleans())
    def poll(self, who: int, answer_lost: bool) -> None:
        agent = self.agents[who]
        slots = max(0, 1 - len(agent.holds))
        wanted = self.expected(agent, slots)
        found = poll(
            self.at.hub,
            self.principal(agent),
            slots=slots,
            holds=tuple(agent.holds),
            wait_s=0.0,
            gone=lambda: False,
        )
        assert sorted((m["type"], m["task"], m["attempt"]) for m in found) == sorted(wanted)
        if answer_lost:
            return
        for kind, task, attempt in wanted:
            if kind == "task.assigned":
                agent.given.append((task, attempt))
                agent.holds.append((task, attempt))
            else:
                agent.holds.remove((task, attempt))

    @rule(who=WHO)
    def take_and_begin(self, who: int) -> None:
        self.poll(who=who, answer_lost=False)
        self.say_of_what_it_holds(who=who, kind="task.accepted")

    @rule(who=WHO)
    def take_and_end(self, who: int) -> None:
        self.take_and_begin(who=who)
        self.say_of_what_it_holds(who=who, kind="task.completed")
        self.say_of_what_it_holds(who=who, kind="task.completed")

    @rule(who=WHO)
    def go_silent_with_work(self, who: int) -> None:
        """It comes back when its lease has run out, and says what it has."""
        self.take_and_begin(who=who)
        self.time_passes(seconds=31.0)
        self.say_of_what_it_holds(who=who, kind="task.completed")

    def expected(self, agent: ModelAgent, slots: int) -> list[tuple[str, str, int]]:
        """Return what a poll must be answered, after the lease it takes."""
        answer = []
        for task_id, attempt in agent.holds:
            task = self.model.tasks[task_id]
            if not task.held_by(agent.instance, attempt):
                answer.append((self.word(agent, task), task_id, attempt))
        unheld = self.unheld(agent, agent.holds)
        unheld += self.leased_now(agent, slots - len(unheld))
        return [*answer, *(("task.assigned", each.id, each.attempt) for each in unheld)]

    def unheld(self, agent: ModelAgent, holds: list[tuple[str, int]]) -> list[ModelTask]:
        return [
            task
            for task in self.model.held_by(agent.instance)
            if (task.id, task.attempt) not in holds
        ]

    def leased_now(self, agent: ModelAgent, slots: int) -> list[ModelTask]:
        """Return the task that a free slot takes, leased."""
        found = self.model.next_for(agent.agent) if slots > 0 else None
        if found is None:
            return []
        found.lease(agent.instance, self.clock.boot)
        return [found]

    def word(self, agent: ModelAgent, task: ModelTask) -> str:
        mine = task.last == agent.instance
        return "task.cancel" if task.state == "cancelled" and mine else "task.lost"

    def principal(self, agent: ModelAgent) -> AgentPrincipal:
        return AgentPrincipal(fleet="acme", agent=agent.agent, instance=agent.instance)

    @rule(
        who=WHO,
        of=WHO,
        which=WHICH,
        kind=st.sampled_from(
            ("task.accepted", "task.accepted", "task.completed", "task.failed", "task.retryable")
        ),
        slots=st.integers(0, 1),
        answer_lost=st.booleans(),
    )
    def say(self, who: int, of: int, which: int, kind: str, slots: int, answer_lost: bool) -> None:
        """Say something of any task that `of` was ever given: late, twice, or as somebody else."""
        given = self.agents[of].given
        if not given:
            return
        (task_id, attempt), agent = given[-1 - which % len(given)], self.agents[who]
        self.said(agent, kind, task_id, attempt, slots=slots, answer_lost=answer_lost)

    @rule(
        who=WHO,
        kind=st.sampled_from(("task.accepted", "task.completed", "task.retryable")),
        slots=st.integers(0, 1),
    )
    def say_of_what_it_holds(self, who: int, kind: str, slots: int = 0) -> None:
        agent = self.agents[who]
        if agent.holds:
            self.said(agent, kind, *agent.holds[-1], slots=slots)

    def said(
        self,
        agent: ModelAgent,
        kind: str,
        task_id: str,
        attempt: int,
        *,
        slots: int,
        answer_lost: bool = False,
    ) -> None:
        task, name = self.model.tasks[task_id], f"{kind[5:]}-{task_id[-6:]}-{attempt}"
        first = (agent.instance, name)
        possible = task.held_by(agent.instance, attempt) and (
            task.state == ("leased" if kind == "task.accepted" else "running")
        )
        left = [each for each in agent.holds if each != (task_id, attempt)]
        try:
            answer = report(
                self.at.hub,
                self.principal(agent),
                message(kind, name, task_id, attempt),
                slots=slots,
                holds=left,
            )
        except Conflict:
            assert not possible
            assert first not in self.model.answered
            return
        brought = [(each["task"], each["attempt"]) for each in answer.pop("messages", ())]
        assert answer == {"id": name, "accepted": True}
        if first not in self.model.answered:
            assert possible, (kind, task)
            self.model.answered.add(first)
            self.settle(task, kind)
        free = 0 if kind == "task.accepted" else slots - len(self.unheld(agent, left))
        assert brought == [(each.id, each.attempt) for each in self.leased_now(agent, free)]
        if not answer_lost:
            agent.given += brought
            agent.holds += brought

    def settle(self, task: ModelTask, kind: str) -> None:
        if kind == "task.accepted":
            task.state, task.began = "running", self.clock.boot
        elif kind == "task.retryable":
            task.lose()
        else:
            task.end(kind[5:])

    @rule(who=WHO)
    def heartbeat(self, who: int) -> None:
        agent = self.agents[who]
        holds = [{"task": task, "attempt": attempt} for task, attempt in agent.holds]
        beat = {"id": "beat", "type": "agent.heartbeat", "payload": {"holds": holds}}
        lost = report(self.at.hub, self.principal(agent), beat)["lost"]
        mine = [
            self.model.tasks[task].held_by(agent.instance, attempt) for task, attempt in agent.holds
        ]
        assert lost == [each for each, held in zip(holds, mine, strict=True) if not held]
        for (task, _), held in zip(agent.holds, mine, strict=True):
            if held:
                self.model.tasks[task].until = self.clock.boot + 30.0

    @rule(who=WHO)
    def vanish(self, who: int) -> None:
        """A container is gone; another takes its place."""
        old = self.agents[who]
        instances.mark(self.at.hub, old.instance, "recycled", "gone")
        self.model.gone(old.instance)
        self.agents[who] = self.newborn(old.agent, old.replica)

    # what time and fate do

    @rule(seconds=st.sampled_from((1.0, 20.0, 31.0, 90.0, 700.0)))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.tick()

    @rule(seconds=st.sampled_from((HOUR_S, -HOUR_S)))
    def wall_clock_jumps(self, seconds: float) -> None:
        self.clock.wall += seconds
        self.tick()

    def tick(self) -> None:
        watch.tick(self.at.hub)
        for task in self.model.tasks.values():
            task.after(self.clock.boot, self.clock.wall)

    @rule(rebooted=st.booleans(), away_s=st.sampled_from((0.0, 5.0, HOUR_S)))
    def crash(self, rebooted: bool, away_s: float) -> None:
        old = self.root / f"store-{self.lives}"
        self.lives += 1
        new = self.root / f"store-{self.lives}"
        shutil.copytree(old, new)
        self.store.close()
        self.clock.advance(away_s)
        if rebooted:
            self.clock.boot, self.clock.boot_id = 10.0, f"reboot-{self.lives}"
        self.store = Store.open(new, sync=False)
        self.at.hub = self.opened()
        for task in self.model.tasks.values():
            task.after_restart(self.clock.boot, rebooted=rebooted)
        with self.store.read() as txn:
            assert inspection.faults(txn) == []

    @rule(
        where=st.sampled_from(("before", "after")), agent=st.sampled_from(("researcher", "thinker"))
    )
    def crash_in_a_submit(self, where: str, agent: str) -> None:
        """The answer never comes; the same request after the restart has one task, whichever way."""
        key = f"key-{len(self.model.keys)}"
        new = self.new(key, agent, 2, 600.0, None)
        with failpoints.armed(f"store.commit.{where}=error"), suppress(StoreUnavailable):
            submit(self.at.hub, new, ADMIN)
            raise AssertionError("acknowledged without a commit")
        self.crash(rebooted=False, away_s=0.0)
        task, created = submit(self.at.hub, new, ADMIN)
        assert created is (where == "before")
        self.keep(key, new, task.id)

    @invariant()
    def tasks_are_what_the_rules_say(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.read() as txn:
            for wanted in self.model.tasks.values():
                task = task_table.get(txn, wanted.id)
                assert task is not None, "acknowledged and lost"
                holder = task.lease.instance if task.lease else ""
                found = (task.state.value, task.attempt, holder)
                assert found == (wanted.state, wanted.attempt, wanted.holder)
                if task.lease and wanted.state in LIVE:
                    assert (task.lease.expires_at_s, task.lease.began_s) == (
                        wanted.until,
                        wanted.began,
                    )


def message(kind: str, name: str, task_id: str, attempt: int) -> dict[str, Any]:
    payload: dict[str, Any] = {} if kind == "task.accepted" else {"text": "four"}
    if kind in ("task.failed", "task.retryable"):
        payload = {"reason": "crashed", "detail": "", "retryable": kind == "task.retryable"}
    real = "task.failed" if kind == "task.retryable" else kind
    return {"id": name, "type": real, "task": task_id, "attempt": attempt, "payload": payload}


MACHINE = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
    print_blob=False,
)
BROKEN: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "no fences": (reporting, "holds_lease", lambda *_: True),
    "repeats taken for new messages": (answers, "first", lambda *_: None),
    "idempotency keys forgotten": (submitting, "_first", lambda *_: None),
    "leases as they were after a restart": (watch, "renew_all", lambda _hub: 0),
    "attempts without end": (watch, "expire", lambda task, **_: replace(task, lease=None)),
    "the wall clock for leases": (ManualClock, "boot_s", ManualClock.wall_s),
}


def test_whatever_happens_the_tasks_are_what_the_rules_say() -> None:
    run_state_machine_as_test(HubKeepsItsRules, settings=MACHINE)


@pytest.mark.parametrize("what", BROKEN)
def test_a_hub_that_breaks_a_rule_is_seen(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test above."""
    where, name, instead = BROKEN[what]
    monkeypatch.setattr(where, name, instead)
    quick = settings(MACHINE, max_examples=300, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises((AssertionError, AgentctlError, Impossible)):
        run_state_machine_as_test(HubKeepsItsRules, settings=quick)
