"""Whatever happens to tasks, queues, pages and counters say what a plain list of the tasks says."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agentctl.errors import Conflict
from agentctl.model.task import LIVE, Task, TaskState
from agentctl.store import Store, Txn, tasks
from tests.fakes.memory_store import MemoryStore
from tests.fakes.store_records import BODY, lease_of, routed_to, task

AGENTS = ("dev", "dev-2", "d")
INSTANCES = ("inst-1", "inst-10")

agents = st.sampled_from(AGENTS)
states = st.sampled_from(TaskState)
priorities = st.integers(min_value=-(2**40), max_value=2**40) | st.integers(-2, 2)


def shaped(base: Task, agent: str | None, state: TaskState, priority: int, instance: str) -> Task:
    return replace(
        base,
        routed=routed_to(agent) if agent else None,
        state=state,
        priority=priority,
        lease=lease_of(instance) if state in LIVE else None,
    )


class IndexesAgree(RuleBasedStateMachine):
    """The model is a dict of tasks; the store under test is on disk."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, Task] = {}
        self.made = 0
        self.store = self.opened()

    def opened(self) -> Store:
        self.folder = tempfile.TemporaryDirectory()
        return Store.open(Path(self.folder.name), sync=False)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(
        agent=agents | st.none(),
        state=states,
        priority=priorities,
        instance=st.sampled_from(INSTANCES),
    )
    def add(self, agent: str | None, state: TaskState, priority: int, instance: str) -> None:
        self.made += 1
        new = shaped(task(f"task-{self.made:04d}"), agent, state, priority, instance)
        self.store.write(lambda txn: tasks.add(txn, new, BODY))
        self.model[new.id] = new

    @rule(
        which=st.integers(0, 1000),
        agent=agents | st.none(),
        state=states,
        priority=priorities,
        instance=st.sampled_from(INSTANCES),
        fails=st.booleans(),
    )
    def change(
        self,
        which: int,
        agent: str | None,
        state: TaskState,
        priority: int,
        instance: str,
        fails: bool,
    ) -> None:
        if not self.model:
            return
        old = self.model[sorted(self.model)[which % len(self.model)]]
        new = shaped(old, agent, state, priority, instance)

        def work(txn: Txn) -> None:
            tasks.put(txn, new)
            if fails:
                raise Conflict("changed its mind")

        try:
            self.store.write(work)
        except Conflict:
            return
        self.model[new.id] = new

    @rule(which=st.integers(0, 1000))
    def forget(self, which: int) -> None:
        if self.model:
            gone = sorted(self.model)[which % len(self.model)]
            assert self.store.write(lambda txn: tasks.forget(txn, gone))
            del self.model[gone]

    @invariant()
    def all_agree(self) -> None:
        with self.store.read() as txn:
            self.queues_agree(txn)
            self.counters_agree(txn)
            self.pages_agree(txn)

    def queues_agree(self, txn: Txn) -> None:
        for agent in AGENTS:
            queue = [each for each in self.of(agent) if each.state is TaskState.QUEUED]
            queue.sort(key=lambda each: (-each.priority, each.id))
            assert list(tasks.queued(txn, agent)) == [each.id for each in queue]
            assert tasks.first_queued(txn, agent) == (queue[0].id if queue else None)
            assert tasks.waiting_for(txn, agent) == len(queue)
        for instance in INSTANCES:
            held = [each for each in self.all() if each.lease and each.lease.instance == instance]
            assert tasks.live_of(txn, instance) == held
        assert sorted(tasks.live(txn)) == [each.id for each in self.all() if each.state in LIVE]

    def counters_agree(self, txn: Txn) -> None:
        seen = Counter(each.state.value for each in self.all())
        assert tasks.counts(txn) == {state.value: seen[state.value] for state in TaskState}
        for agent in AGENTS:
            busy = [each for each in self.of(agent) if each.state in LIVE | {TaskState.QUEUED}]
            assert tasks.load(txn, agent) == len(busy)

    def pages_agree(self, txn: Txn) -> None:
        for agent in (None, *AGENTS):
            for state in (None, TaskState.QUEUED, TaskState.COMPLETED):
                wanted = [
                    each.id
                    for each in reversed(self.all() if agent is None else self.of(agent))
                    if state is None or each.state is state
                ]
                paged, before = [], None
                while True:
                    page, before = tasks.page(txn, agent=agent, state=state, limit=2, before=before)
                    paged += [each.id for each in page]
                    if before is None:
                        break
                assert paged == wanted

    def all(self) -> list[Task]:
        return [self.model[each] for each in sorted(self.model)]

    def of(self, agent: str) -> list[Task]:
        return [each for each in self.all() if each.routed and each.routed.agent == agent]


class IndexesAgreeInMemory(IndexesAgree):
    def opened(self) -> Store:
        self.folder = tempfile.TemporaryDirectory()
        return MemoryStore()


_settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
IndexesAgree.TestCase.settings = _settings
IndexesAgreeInMemory.TestCase.settings = _settings
TestIndexesAgreeOnDisk = IndexesAgree.TestCase
TestIndexesAgreeInMemory = IndexesAgreeInMemory.TestCase
