"""Hostile agents talk, delegate and answer while files change: no word crosses a boundary that it may not.

The hub is the real service layer on a real store, with every rule of the files allowing everything:
labels alone stand between the agents. What each container heard is kept in tests.fakes.taint.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from agentctl.artifacts import Shelf
from agentctl.errors import AgentctlError
from agentctl.identity import Seal, Signer
from agentctl.messages import label as labels
from agentctl.model.decision import Decision
from agentctl.model.fleet import AccessRule, DesiredState, Destination, Effect, Lifecycle
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import FINAL, NewTask, Task, TaskState
from agentctl.service import declassify as declassifying
from agentctl.service import (
    delegate,
    delegated,
    egress,
    ephemeral,
    fitting,
    instances,
    mail,
    model_calls,
    reconciling,
    tunnels,
    watch,
    workspaces,
)
from agentctl.service import poll as polling
from agentctl.service import submit as submitting
from agentctl.service.context import Fleet, Hub
from agentctl.service.report import report
from agentctl.service.retry import retry
from agentctl.service.submit import submit
from agentctl.store import Store, generations
from agentctl.store import instances as instance_table
from agentctl.store import tasks as task_table
from tests.fakes.clock import CountingIds, CountingRandomness, ManualClock
from tests.fakes.fleet import PRIVATE, PUBLIC, RESEARCHER, ROUTING, THINKER, fleet
from tests.fakes.taint import RANK, Interrupted, Mole, Taint
from tests.unit.service.conftest import ADMIN, HubAtHand

ANYTHING = tuple(
    AccessRule(name=f"{verb} by anybody", effect=Effect.ALLOW, verb=verb, principal="*")
    for verb in ("task.submit", "task.delegate", "message.send", "declassify")
)
SITES = (
    Destination(name="site", hosts=(("site.example", 443),), boundary="public"),
    Destination(name="cache", hosts=(("cache.example", 443),), boundary="private"),
)
TALKS: Any = {"publishes": ("news",), "subscribes": ("news",)}
LEAD = replace(RESEARCHER, name="lead", replicas=2, egress=("cache",), **TALKS)
HELPER = replace(RESEARCHER, name="helper", **TALKS)
VAULT = replace(RESEARCHER, name="vault", clearance="restricted", egress=("cache",), **TALKS)
FRESH = replace(
    VAULT, name="fresh", lifecycle=Lifecycle.EPHEMERAL, replicas=3, subscribes=(), publishes=()
)
OUTSIDE = replace(
    THINKER, name="outside", capabilities=("research",), egress=("cache", "site"), **TALKS
)
PASSING = replace(OUTSIDE, name="passing", lifecycle=Lifecycle.EPHEMERAL, replicas=2)
ALL = (LEAD, HELPER, VAULT, FRESH, OUTSIDE, PASSING)
AGENTS = tuple(each.name for each in ALL)
OPEN = replace(ROUTING, routes=())


def lowered(clearance: str) -> Any:
    """Return all agents, none of them cleared above a level."""
    return tuple(
        replace(each, clearance=min(each.clearance, clearance, key=RANK.__getitem__))
        for each in ALL
    )


def files(*agents: Any, **more: Any) -> DesiredState:
    made = fleet(*agents, access=ANYTHING, **({"routing": OPEN} | more))
    return replace(made, destinations=SITES)


FILES: dict[str, DesiredState] = {
    "as they began": files(*ALL),
    "private carries no more than internal": files(
        *lowered("internal"),
        routing=replace(OPEN, boundaries=(("public", "internal"), ("private", "internal"))),
    ),
    "public carries nothing but public": files(
        *lowered("public"),
        routing=replace(OPEN, boundaries=(("public", "public"), ("private", "restricted"))),
    ),
    "lead went to the public model": files(
        replace(LEAD, provider="opus", clearance="internal"), *ALL[1:]
    ),
    "outside came home": files(
        *ALL[:4],
        replace(OUTSIDE, provider="ollama", clearance="restricted", egress=("cache",)),
        replace(PASSING, provider="ollama", clearance="confidential", egress=()),
    ),
    "lead and vault are gone": files(HELPER, FRESH, OUTSIDE, PASSING),
    "nothing is restricted any more": files(
        *lowered("confidential"),
        routing=replace(
            OPEN,
            levels=("public", "internal", "confidential"),
            boundaries=(("public", "internal"), ("private", "confidential")),
        ),
    ),
    "the private model moved out": files(
        *lowered("internal"), providers=(replace(PRIVATE, boundary="public"), PUBLIC)
    ),
    "the private model is cleared higher": files(
        replace(LEAD, clearance="restricted"), replace(HELPER, clearance="restricted"), *ALL[2:]
    ),
    "what says nothing is public": files(*ALL, routing=replace(OPEN, default="public")),
}
WHICH = st.integers(0, 1_000)
LEVEL = st.sampled_from((None, *RANK))
AGENT = st.sampled_from((None, *AGENTS))


class LabelsFlow(RuleBasedStateMachine):
    """What agents, operators, files and time may do, in any order; a change of files also in between."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="actl-flow-")
        self.root = Path(self.folder.name)
        (self.root / "keys").mkdir(mode=0o700)
        self.clock, self.ids, self.taint = ManualClock(), CountingIds(), Taint()
        self.randomness = CountingRandomness()
        self.store = Store.open(self.root / "store", sync=False)
        self.at = HubAtHand(self.opened(), self.clock)
        self.at.apply(FILES["as they began"])
        self.in_force: list[DesiredState] = []
        self.moles: list[Mole] = []
        self.messages = 0
        self.tunnels: list[tuple[Mole, Destination, str]] = []
        for agent, level in (
            *(("lead", "confidential"), ("helper", "internal")),
            *(("vault", "restricted"), ("outside", "internal")),
        ):
            self.goes_to_work(agent=agent, level=level)

    def opened(self) -> Hub:
        hub = Hub(
            store=self.store,
            clock=self.clock,
            ids=self.ids,
            randomness=self.randomness,
            signer=Signer.open(self.root / "keys"),
            seal=Seal.open(self.root / "keys"),
            installation="here",
            version="test",
            uid=1000,
            shelf=Shelf(self.root / "artifacts"),
        )
        with self.store.read() as txn:
            newest = generations.latest(txn)
        hub.fleet = Fleet.of(newest) if newest else None
        self.steps = Interrupted(self.store)
        hub.store = self.steps  # type: ignore[assignment]
        watch.renew_all(hub)
        delegated.recall(hub)
        return hub

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @contextmanager
    def anything_goes(self) -> Iterator[list[DesiredState]]:
        """Yield the files in force while something happens; refusals are as good as answers."""
        self.in_force = [self.files]
        with suppress(AgentctlError):
            yield self.in_force
        self.steps.disarm()

    @property
    def files(self) -> DesiredState:
        assert self.at.hub.fleet is not None
        return self.at.hub.fleet.generation.desired

    def tasks(self, *states: TaskState) -> list[Task]:
        with self.store.read() as txn:
            found = (task_table.get(txn, each) for each in self.known(txn, states))
            return [each for each in found if each is not None]

    def known(self, txn: Any, states: tuple[TaskState, ...]) -> list[str]:
        return [each for state in states for each in task_table.in_state(txn, state)]

    # what operators do

    @rule(level=LEVEL, agent=AGENT)
    def submit(self, level: str | None, agent: str | None) -> None:
        mark = self.taint.mark(level or "restricted")
        with self.anything_goes() as in_force:
            submit(self.at.hub, NewTask(prompt=mark, sensitivity=level, agent=agent), ADMIN)
            if level is None:  # the default, and the files may have changed on the way
                for each in in_force:
                    self.taint.lower(mark, each.routing.default)

    @rule(which=WHICH, level=LEVEL, agent=AGENT)
    def submit_what_came_of_another(self, which: int, level: str | None, agent: str | None) -> None:
        """An operator goes on from a result: its words are in the prompt, whatever level is declared."""
        ended = self.tasks(*FINAL)
        if ended:
            parent = ended[which % len(ended)]
            said = parent.result.text if parent.result else ""
            with self.anything_goes():
                new = NewTask(prompt=f"go on: {said}", sensitivity=level, agent=agent)
                submit(self.at.hub, replace(new, parent=parent.id), ADMIN)

    @rule(which=WHICH)
    def retry(self, which: int) -> None:
        ended = self.tasks(*FINAL)
        if ended:
            with self.anything_goes():
                retry(self.at.hub, ended[which % len(ended)].id, ADMIN)

    @rule(which=WHICH, to=st.sampled_from(tuple(RANK)))
    def declassify(self, which: int, to: str) -> None:
        found = self.tasks(TaskState.HELD, TaskState.QUEUED, *FINAL)
        if not found:
            return
        task = found[which % len(found)]
        with self.anything_goes():
            declassifying.declassify(self.at.hub, task.id, ADMIN, to=to, why="it may be known")
            self.taint.lower(self.body(task), to)
            if task.result is not None:
                self.taint.lower(task.result.text, to)

    @rule(agent=st.sampled_from(AGENTS), replica=st.integers(0, 1), to=st.sampled_from(tuple(RANK)))
    def declassify_a_workspace(self, agent: str, replica: int, to: str) -> None:
        self.reconciler_looks()
        with self.anything_goes():
            workspaces.declassify(
                self.at.hub, ADMIN, agent, replica=replica, host="", to=to, why="it may be known"
            )
            self.taint.lower(words(self.taint.workspaces.get((agent, replica), ())), to)

    def reconciler_looks(self) -> None:
        """It reports every container that has a record as running."""
        with self.store.read() as txn:
            rows = [
                {
                    "agent": each.agent,
                    "replica": each.replica,
                    "instance": each.id,
                    "id": each.container,
                    "installation": self.at.hub.installation,
                    "state": "running",
                }
                for each in instance_table.alive(txn)
            ]
        host = {"name": "local", "error": "", "engine": "docker", "containers": rows}
        with self.anything_goes():
            reconciling.observed(self.at.hub, {"hosts": [host]})

    def body(self, task: Task) -> str:
        with self.store.read() as txn:
            body = task_table.body(txn, task.id)
        return body.prompt if body else ""

    @rule(which=st.sampled_from(tuple(FILES)))
    def apply(self, which: str) -> None:
        with suppress(AgentctlError):
            self.at.apply(FILES[which])
        self.in_force.append(self.files)

    @rule(which=st.sampled_from(tuple(FILES)), after=st.integers(0, 6))
    def apply_in_between(self, which: str, after: int) -> None:
        """The next thing that happens is interrupted by other files, between two of its steps."""
        self.steps.arm(lambda: self.apply(which=which), after)

    # what containers do

    @rule(agent=st.sampled_from(AGENTS), replica=st.integers(0, 1))
    def born(self, agent: str, replica: int) -> None:
        spec = self.at.hub.fleet.agents.get(agent) if self.at.hub.fleet else None
        if spec is None:
            return
        self.clear_away_what_was_never_born()
        fresh = spec.lifecycle is Lifecycle.EPHEMERAL
        queued = [each.id for each in self.tasks(TaskState.QUEUED) if each.agent == agent]
        with self.anything_goes():
            who = self.at.born(agent, replica=replica, task=queued[0] if fresh and queued else "")
            self.moles.append(self.mole(who))

    def clear_away_what_was_never_born(self) -> None:
        """As the reconciler does: files that changed in between left a place reserved."""
        known = {each.instance for each in self.moles}
        with self.store.read() as txn:
            unborn = [each.id for each in instance_table.alive(txn) if each.id not in known]
        for each in unborn:
            instances.mark(self.at.hub, each, "recycled", "never born")

    def mole(self, who: AgentPrincipal) -> Mole:
        with self.store.read() as txn:
            born = instance_table.get(txn, who.instance)
        assert born is not None
        mole = Mole(
            agent=born.agent,
            replica=born.replica,
            instance=born.id,
            container=born.container,
            label=born.label,
            provider=born.provider,
            boundary=born.boundary,
            persistent=not born.ephemeral,
        )
        if mole.persistent:  # it reads all that its predecessors wrote down
            kept = self.taint.workspaces.get(mole.place, ())
            self.taint.hear(mole, words(kept), self.in_force)
        return mole

    def one(self, which: int) -> Mole:
        return self.moles[which % len(self.moles)]

    def who(self, mole: Mole) -> AgentPrincipal:
        return AgentPrincipal(fleet="acme", agent=mole.agent, instance=mole.instance)

    @rule(agent=st.sampled_from(AGENTS), level=LEVEL)
    def goes_to_work(self, agent: str, level: str | None) -> None:
        """A task for an agent, a container of it, and its first look: what most of the others build on."""
        self.submit(level=level, agent=agent)
        self.born(agent=agent, replica=0)
        self.everybody_looks()

    @rule()
    def everybody_looks(self) -> None:
        for which in range(len(self.moles)):
            self.look(which=which)

    @precondition(lambda self: self.moles)
    @rule(which=WHICH)
    def look(self, which: int) -> None:
        mole = self.one(which)
        with self.anything_goes() as in_force:
            found = polling.poll(
                self.at.hub,
                self.who(mole),
                slots=max(0, 1 - len(mole.holds)),
                holds=tuple(mole.holds),
                wait_s=0.0,
                gone=lambda: False,
                take=16,
                seen=mole.seen,
            )
            for each in found:
                self.given(mole, each, in_force)

    def given(self, mole: Mole, message: dict[str, Any], in_force: list[DesiredState]) -> None:
        self.taint.hear(mole, message["payload"], in_force)
        held = (message.get("task", ""), message.get("attempt", 0))
        if message["type"] == "task.assigned":
            mole.holds[held] = message["payload"]["model_token"]
            with suppress(AgentctlError):
                self.tell(mole, "task.accepted", held, payload={})
        elif message["type"].startswith("task."):
            mole.holds.pop(held, None)
        else:
            mole.seen = message["id"]
            if message["type"] == "request":
                mole.asked.append(message["id"])

    def tell(self, mole: Mole, kind: str, held: tuple[str, int], **more: Any) -> None:
        self.messages += 1
        said = {"id": f"m-{self.messages}", "type": kind, "task": held[0], "attempt": held[1]}
        report(self.at.hub, self.who(mole), said | more)

    @rule(which=WHICH, kind=st.sampled_from(("request", "event", "broadcast")), to=AGENT)
    def says_it_and_is_heard(self, which: int, kind: str, to: str | None) -> None:
        if any(each.holds for each in self.moles):
            self.say_all_it_knows(which=which, kind=kind, to=to, fresh=False)
            self.everybody_looks()

    @rule(
        which=WHICH,
        kind=st.sampled_from(("request", "event", "delegate", "end")),
        to=AGENT,
        files=st.sampled_from(tuple(FILES)),
    )
    def files_change_while_it_is_on_its_way(
        self, which: int, kind: str, to: str | None, files: str
    ) -> None:
        if any(each.holds for each in self.moles):
            self.say_all_it_knows(which=which, kind=kind, to=to, fresh=False)
            self.apply(which=files)
            self.everybody_looks()

    @rule(which=WHICH, level=LEVEL, agent=AGENT)
    def one_ends_and_an_operator_goes_on(
        self, which: int, level: str | None, agent: str | None
    ) -> None:
        if any(each.holds for each in self.moles):
            self.say_all_it_knows(which=which, kind="end", to=None, fresh=False)
            self.submit_what_came_of_another(which=which, level=level, agent=agent)
            self.everybody_looks()

    @precondition(lambda self: any(each.holds for each in self.moles))
    @rule(
        which=WHICH,
        kind=st.sampled_from(("request", "event", "broadcast", "reply", "delegate", "end")),
        to=AGENT,
        fresh=st.booleans(),
    )
    def say_all_it_knows(self, which: int, kind: str, to: str | None, fresh: bool) -> None:
        talking = [each for each in self.moles if each.holds]
        mole = talking[which % len(talking)]
        held, words = next(iter(mole.holds)), mole.words()
        with self.anything_goes():
            match kind:
                case "request":
                    to_agent = {"agent": to or "outside"}
                    self.tell(mole, kind, held, to=to_agent, payload={"text": words})
                case "event":
                    self.tell(mole, kind, held, to={"topic": "news"}, payload={"text": words})
                case "broadcast":
                    self.tell(mole, kind, held, to={}, payload={"text": words})
                case "reply" if mole.asked:
                    to_message = {"message": mole.asked.pop()}
                    self.tell(mole, kind, held, to=to_message, payload={"text": words})
                case "delegate":
                    wanted = {"agent": to} if to else {}
                    payload = {"prompt": words, "ephemeral": fresh, **wanted}
                    self.tell(mole, kind, held, payload=payload)
                case "end":
                    self.tell(mole, "task.completed", held, payload={"text": words})
                    mole.holds.pop(held)

    @precondition(lambda self: any(each.holds for each in self.moles))
    @rule(which=WHICH, provider=st.sampled_from((PRIVATE, PUBLIC)))
    def ask_a_model(self, which: int, provider: Any) -> None:
        talking = [each for each in self.moles if each.holds]
        mole = talking[which % len(talking)]
        with self.anything_goes() as in_force:
            call = {
                "token": next(iter(mole.holds.values())),
                "container": mole.container,
                "provider": provider.name,
                "path": "/v1/messages",
                "model": provider.model,
            }
            granted = model_calls.open_call(self.at.hub, call)
            self.taint.leaves(mole, granted["provider"]["boundary"], in_force)

    @precondition(lambda self: any(each.holds for each in self.moles))
    @rule(site=st.sampled_from(SITES), files=st.sampled_from((None, *FILES)))
    def reach_out(self, site: Destination, files: str | None) -> None:
        """Whoever is at work opens a tunnel, under these files or just after others came."""
        if files is not None:
            self.apply(which=files)
        [(host, port)] = site.hosts
        for mole in [each for each in self.moles if each.holds]:
            with self.anything_goes() as in_force:
                wanted = {"token": next(iter(mole.holds.values())), "container": mole.container}
                opened = tunnels.open_tunnel(self.at.hub, wanted | {"host": host, "port": port})
                self.taint.leaves(mole, site.boundary, in_force)
                self.tunnels.append((mole, site, opened["tunnel"]))

    @precondition(lambda self: self.tunnels)
    @rule()
    def what_is_open_goes_on(self) -> None:
        """The watch looks: who is still connected says all that it has heard meanwhile."""
        names = [tunnel for _, _, tunnel in self.tunnels]
        with self.anything_goes() as in_force:
            left = tunnels.current(self.at.hub, names)
            self.tunnels = [each for each in self.tunnels if each[2] in left]
            for mole, site, _ in self.tunnels:
                self.taint.leaves(mole, site.boundary, in_force)

    @precondition(lambda self: self.moles)
    @rule(which=WHICH, files=st.sampled_from(tuple(FILES)))
    def is_replaced(self, which: int, files: str) -> None:
        """A container goes, and the next in its place is born by other files, to the same workspace."""
        mole = self.one(which)
        self.vanish(which=which)
        self.apply(which=files)
        self.born(agent=mole.agent, replica=mole.replica)

    @precondition(lambda self: len(self.moles) > 4)
    @rule(which=WHICH)
    def vanish(self, which: int) -> None:
        mole = self.moles.pop(which % len(self.moles))
        with self.anything_goes():
            instances.mark(self.at.hub, mole.instance, "recycled", "gone")

    # what time and fate do

    @rule(seconds=st.sampled_from((1.0, 1.0, 31.0)))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        with self.anything_goes():
            watch.tick(self.at.hub)
            delegated.look_after(self.at.hub)

    @rule()
    def restart(self) -> None:
        """What the hub had in memory is gone; the store is as it was."""
        self.at.hub = self.opened()


def words(marks: Iterable[int]) -> str:
    return "".join(f"<{each}>" for each in sorted(marks))


RUNS = int(os.environ.get("AGENTCTL_FLOW_RUNS", "100"))  # script/labels-flow runs 10,000 new ones
FLOW = settings(
    max_examples=RUNS,
    stateful_step_count=80,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="AGENTCTL_FLOW_RUNS" not in os.environ,
    database=None,
    print_blob=False,
)
Patches = tuple[tuple[Any, str, Callable[..., Any]], ...]


def fits(*_: Any) -> str:
    return ""


def made_public(made: Callable[..., Task]) -> Callable[..., Task]:
    return lambda *given: replace(made(*given), sensitivity="public")


def as_asked(hub: Hub, _say: Any, _task: Task, _instance: Any, call: dict[str, Any]) -> Any:
    assert hub.fleet is not None
    return hub.fleet.generation.desired.provider(call["provider"])


def granted(*_: Any) -> Decision:
    return Decision(allowed=True, rule="declared", reason="declared")


def as_declared(_txn: Any, fleet: Fleet, new: NewTask) -> tuple[str, ...]:
    return (new.sensitivity or fleet.levels.default,)


choosing = import_module("agentctl.routing.choose")  # the package's name for it is the function
BROKEN: dict[str, Patches] = {
    "messages go to whom they are for": (
        (labels, "above_agent", fits),
        (labels, "above_box", fits),
        (mail, "_no_more", fits),
        (mail, "_above", fits),
    ),
    "messages are judged only when they are sent": (
        (mail, "_no_more", fits),
        (mail, "_above", fits),
    ),
    "tasks are handed to whoever asks": (
        (polling, "against_container", fits),
        (ephemeral, "against_container", fits),
    ),
    "any agent may be routed to": ((choosing, "against", fits), (fitting, "against", fits)),
    "what is delegated is public": ((delegate, "_task", made_public(delegate._task)),),
    "a task is what it says, whatever it comes from": ((submitting, "_derived_from", as_declared),),
    "egress goes wherever it is declared": ((egress, "_of_declared", granted),),
    "a workspace goes to whoever lives there next": ((workspaces, "against", fits),),
    "any model may be asked": ((model_calls, "_provider", as_asked),),
}


@pytest.mark.timeout(300)  # a busy machine takes four times as long
def test_whatever_happens_no_word_crosses_a_boundary_that_it_may_not_cross() -> None:
    heard: list[int] = []

    class Counted(LabelsFlow):
        def teardown(self) -> None:
            heard.append(self.taint.heard if hasattr(self, "taint") else 0)
            super().teardown()

    run_state_machine_as_test(Counted, settings=FLOW)
    assert sum(heard) > 6 * FLOW.max_examples, "too little was heard to prove anything"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", BROKEN)
def test_a_hub_that_lets_a_label_go_is_seen(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test above."""
    for where, name, instead in BROKEN[what]:
        monkeypatch.setattr(where, name, instead)
    quick = settings(FLOW, max_examples=1_000, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(LabelsFlow, settings=quick)
