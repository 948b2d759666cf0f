"""Load on a hub that is being killed: operators who submit and retry, agents who take, report and misbehave.

Each writes down what it was answered. None of them ever waits for a hub to come back in any
other way than by asking again, as real ones do.
"""

import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from agentctl.client import Hub
from agentctl.errors import Conflict, Unauthenticated, Unavailable
from agentctl.model.digest import plain, spec_hash
from agentctl.model.fleet import DesiredState
from agentctl.paths import StatePaths
from agentctl.web.peer import container_of

RETRY_S = 0.01
POLL_S = 1


@dataclass
class Heard:
    """What everybody was answered: the only thing that a hub may be held to."""

    acknowledged: dict[str, str] = field(default_factory=dict)  # idempotency key → task id
    settled: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # → (attempt, text)
    wrong: list[str] = field(default_factory=list)
    stale_refused: int = 0
    repeats: int = 0


class Load:
    """Threads that ask a hub until told to stop. `seed` makes their choices the same each time."""

    def __init__(self, paths: StatePaths, *, seed: int = 1) -> None:
        self.heard = Heard()
        self.paths = paths
        self._seed = seed
        self._submitting = threading.Event()
        self._working = threading.Event()
        self._threads: list[threading.Thread] = []
        self._operators: list[threading.Thread] = []

    def begin(self, *, operators: int, agents: list[tuple[str, str]]) -> None:
        """Start the threads; `agents` are (instance id, instance token)."""
        self._operators = [self._thread(self._operate, f"o{each}") for each in range(operators)]
        for instance, token in agents:
            self._thread(self._work, instance, token)

    def _thread(self, target: Callable[..., None], *what: str) -> threading.Thread:
        thread = threading.Thread(target=self._noted, args=(target, *what), daemon=True)
        thread.start()
        self._threads.append(thread)
        return thread

    def _noted(self, target: Callable[..., None], *what: str) -> None:
        """Run a thread; what ends it is wrong, unless all is over."""
        try:
            target(*what)
        except Exception as why:  # noqa: BLE001 whatever a hub's answer made of it
            if not self._working.is_set():
                self.heard.wrong.append(f"{what[0]}: {why!r}")

    def end_submitting(self) -> None:
        """Let operators finish the submit they are at, and go."""
        self._submitting.set()
        for each in self._operators:
            each.join(60)
            assert not each.is_alive(), "a submit is never answered"

    def end(self) -> None:
        self._submitting.set()
        self._working.set()
        for each in self._threads:
            each.join(60)
            assert not each.is_alive(), "somebody is never answered"

    def _operate(self, name: str) -> None:
        hub, chance = Hub(str(self.paths.operator_socket)), random.Random(f"{self._seed}{name}")
        for number in count():
            if self._submitting.is_set():
                return
            self._submit(hub, f"{name}-{number}")
            if chance.random() < 0.3:
                self._submit(hub, f"{name}-{chance.randrange(number + 1)}")
            self._submitting.wait(chance.random() * 0.02)

    def _submit(self, hub: Hub, key: str) -> None:
        """Submit until it is acknowledged; a repeat must be answered with the first task."""
        body = {"prompt": f"do {key}", "agent": "worker", "max_attempts": 100}
        answer = self._insist(
            lambda: hub.post("/api/hub/tasks", body, headers={"Idempotency-Key": key})
        )
        first = self.heard.acknowledged.get(key)
        if first is None:
            self.heard.acknowledged[key] = str(answer["id"])
            return
        self.heard.repeats += 1
        if first != answer["id"]:
            self.heard.wrong.append(f"{key}: acknowledged as {first}, then as {answer['id']}")

    def _insist(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        while True:
            try:
                return ask()
            except Unavailable:
                if self._working.wait(RETRY_S):
                    raise

    def _work(self, instance: str, token: str) -> None:
        agent = FakeAgent(instance, token, self.paths, self._insist, self.heard)
        chance = random.Random(f"{self._seed}{instance}")
        while not self._working.is_set():
            try:
                for task, attempt in agent.poll():
                    agent.take(task, attempt, chance)
            except Unavailable:
                return


class FakeAgent:
    """agentd as the hub sees it: an instance with one slot, that answers twice and now and then lies."""

    def __init__(
        self,
        instance: str,
        token: str,
        paths: StatePaths,
        insist: Callable[[Callable[[], dict[str, Any]]], dict[str, Any]],
        heard: Heard,
    ) -> None:
        self._instance = instance
        self._token = token
        self._socket = str(paths.hub_socket)
        self._insist = insist
        self._heard = heard
        self._hub: Hub | None = None

    def _ask(self, ask: Callable[[Hub], dict[str, Any]]) -> dict[str, Any]:
        def once() -> dict[str, Any]:
            if self._hub is None:
                bought = Hub(self._socket, token=self._token).post("/api/hub/svid", {})
                self._hub = Hub(self._socket, token=bought["svid"])
            return ask(self._hub)

        try:
            return self._insist(once)
        except Unauthenticated:
            self._hub = None
            return self._insist(once)

    def poll(self) -> list[tuple[str, int]]:
        asked = {"wait": POLL_S, "slots": 1}
        found = self._ask(lambda hub: hub.get("/api/hub/messages", asked))["messages"]
        return [(m["task"], m["attempt"]) for m in found if m["type"] == "task.assigned"]

    def take(self, task: str, attempt: int, chance: random.Random) -> None:
        text = f"{self._instance} {chance.random()}"
        if not self._say("task.accepted", task, attempt, {}):
            return
        if chance.random() < 0.2:  # an attempt that is not the current one
            if self._say("task.completed", task, attempt + 1, {"text": "stale"}):
                self._heard.wrong.append(f"{task}: attempt {attempt + 1} was taken, {attempt} runs")
            else:
                self._heard.stale_refused += 1
        # what such an answer brings is left to the next poll, as if it had been lost
        path = "/api/hub/messages?slots=1" if chance.random() < 0.5 else "/api/hub/messages"
        times = 2 if chance.random() < 0.3 else 1
        for _ in range(times):
            if self._say("task.completed", task, attempt, {"text": text}, path):
                ends = self._heard.settled.setdefault(task, [])
                if (attempt, text) not in ends:
                    ends.append((attempt, text))
            elif times == 2:
                self._heard.wrong.append(f"{task}: a repeated result was refused")

    def _say(
        self,
        kind: str,
        task: str,
        attempt: int,
        payload: dict[str, Any],
        path: str = "/api/hub/messages",
    ) -> bool:
        """Say it until it is answered; return whether it counted."""
        message = {
            "id": f"{kind[5:8]}-{task[-20:]}-{attempt}",
            "type": kind,
            "task": task,
            "attempt": attempt,
            "payload": payload,
        }
        try:
            answer = self._ask(lambda hub: hub.post(path, message))
        except Conflict:
            return False
        if answer["id"] != message["id"]:
            self._heard.wrong.append(f"{message['id']}: answered as {answer['id']}")
        return True


def apply(paths: StatePaths, desired: DesiredState) -> None:
    """Apply a fleet to a running hub, as `agentctl apply` does."""
    body = {"desired": plain(desired), "expected": 0, "commit": "", "prune": False}
    Hub(str(paths.operator_socket)).post("/api/hub/generations", body)


def born(paths: StatePaths, desired: DesiredState, name: str, replica: int) -> tuple[str, str]:
    """Reserve and bind an instance whose container is this very process; return it and its token."""
    spec = next(each for each in desired.agents if each.name == name)
    provider = desired.provider(spec.provider)
    assert provider is not None
    reconciler = Hub(str(paths.reconciler_socket))
    instance = reconciler.post(
        "/api/hub/instances",
        {
            "agent": name,
            "host": spec.host,
            "replica": replica,
            "spec": spec_hash(spec, provider),
            "generation": 1,
        },
    )["instance"]
    mine = {"container": container_of(os.getpid(), None)}
    boot = reconciler.post(f"/api/hub/instances/{instance}/bind", mine)["boot"]
    return str(instance), str(boot["instance_token"])
