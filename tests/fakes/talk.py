"""Agents that work and talk: a small fleet on a hub at hand, each container with a task of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from agentctl.errors import AgentctlError
from agentctl.model.digest import digest
from agentctl.model.fleet import AccessRule, AgentSpec, DesiredState, Effect, Lifecycle
from agentctl.model.journal import Line
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import NewTask
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from agentctl.store import journal
from agentctl.web.problems import problem_of
from tests.fakes.fleet import OPERATORS_DISPATCH, RESEARCHER, THINKER, fleet
from tests.unit.service.conftest import ADMIN, HubAtHand

AGENTS_TALK = AccessRule(
    name="agents talk", effect=Effect.ALLOW, verb="message.send", principal="agent:*"
)
DEVELOPER = replace(
    RESEARCHER,
    name="developer",
    capabilities=("code",),
    subscribes=("builds",),
    labels=(("team", "core"),),
)
WRITER = replace(RESEARCHER, name="writer", replicas=3, subscribes=("builds",))
PUBLISHING = replace(RESEARCHER, publishes=("builds",), replicas=2)
LISTENING = replace(THINKER, subscribes=("builds",), publishes=("builds",))

_numbers = count(1)


def talkers(*agents: AgentSpec, rules: tuple[AccessRule, ...] = (AGENTS_TALK,)) -> DesiredState:
    """Return a fleet of agents that may talk: three confidential ones and the public thinker."""
    return fleet(
        *(agents or (PUBLISHING, DEVELOPER, WRITER, LISTENING)),
        access=(OPERATORS_DISPATCH, *rules),
    )


@dataclass
class Talker:
    """One container with a task. What it says is under that task unless said otherwise."""

    at: HubAtHand
    who: AgentPrincipal
    task: str
    attempt: int = 1

    @property
    def name(self) -> str:
        return self.who.agent

    def message(self, type_: str, to: dict[str, Any], text: str = "hello", **more: Any) -> Any:
        return {
            "id": f"m-{next(_numbers)}",
            "type": type_,
            "task": self.task,
            "attempt": self.attempt,
            "to": to,
            "payload": {"text": text},
            **more,
        }

    def say(self, message: dict[str, Any]) -> dict[str, Any]:
        return report(self.at.hub, self.who, message)

    def request(self, agent: str, text: str = "hello", **more: Any) -> dict[str, Any]:
        return self.say(self.message("request", {"agent": agent}, text, **more))

    def reply(self, message: str, text: str = "hello", **more: Any) -> dict[str, Any]:
        return self.say(self.message("reply", {"message": message}, text, **more))

    def event(self, topic: str = "builds", text: str = "hello", **more: Any) -> dict[str, Any]:
        return self.say(self.message("event", {"topic": topic}, text, **more))

    def broadcast(self, text: str = "hello", **to: Any) -> dict[str, Any]:
        return self.say(self.message("broadcast", to, text))

    def poll(self, mail: int = 16, seen: str = "") -> list[dict[str, Any]]:
        """Return the messages of others that a poll brings, without the task's own."""
        holds = ((self.task, self.attempt),)
        found = poll(
            self.at.hub,
            self.who,
            slots=0,
            holds=holds,
            wait_s=0.0,
            gone=lambda: False,
            take=mail,
            seen=seen,
        )
        return [each for each in found if not each["type"].startswith("task.")]

    def texts(self, **asked: Any) -> list[str]:
        return [each["payload"]["text"] for each in self.poll(**asked)]


def at_work(
    at: HubAtHand, agent: str, *, replica: int = 0, sensitivity: str = "internal"
) -> Talker:
    """Bring a container of an agent to life with a task of its own; an ephemeral one has the task's label."""
    assert at.hub.fleet is not None
    fresh = at.hub.fleet.agents[agent].lifecycle is Lifecycle.EPHEMERAL
    task, _ = submit(at.hub, NewTask(prompt="work", agent=agent, sensitivity=sensitivity), ADMIN)
    who = at.born(agent, replica=replica, task=task.id if fresh else "")
    return taken_up(Talker(at, who, task.id))


def next_task(talker: Talker, *, sensitivity: str = "internal") -> Talker:
    """End what a container works on and give it the next task."""
    talker.say({**talker.message("task.completed", {}), "id": f"done-{talker.task}"})
    new = NewTask(prompt="more", agent=talker.name, sensitivity=sensitivity)
    task, _ = submit(talker.at.hub, new, ADMIN)
    return taken_up(Talker(talker.at, talker.who, task.id))


def taken_up(talker: Talker) -> Talker:
    """Have a container take its task and accept it."""
    given = poll(talker.at.hub, talker.who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    assert [each["task"] for each in given] == [talker.task]
    talker.say({**talker.message("task.accepted", {}), "payload": {}})
    return talker


@contextmanager
def refused(check: str, status: int, words: str = "") -> Iterator[dict[str, Any]]:
    """Expect a refusal by a check; yields the problem as its sender gets it, filled in after the block."""
    problem: dict[str, Any] = {}
    try:
        yield problem
    except AgentctlError as why:
        problem.update(problem_of(why))
    assert (problem.get("check"), problem.get("status")) == (check, status), problem
    assert words in problem["detail"], problem


def lines(at: HubAtHand, kind: str) -> list[Line]:
    """Return the journal's lines of a kind."""
    with at.hub.store.read() as txn:
        return [each for each in journal.read(txn) if each.entry.kind == kind]


def sha256(text: str) -> str:
    """Return the digest that the journal has of a payload of kind text."""
    return digest({"text": text})
