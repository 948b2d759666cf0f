"""An engine and a hub in memory, and a reconciler between them: a whole world for a test to shape."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentctl.engine import Birth
from agentctl.errors import Conflict, Degraded, EngineRefused, HubUnavailable, NotFound
from agentctl.loops.converge import Reconciler
from agentctl.loops.engines import Engines
from agentctl.loops.execute import Executor
from agentctl.loops.halt import Halt
from agentctl.loops.hub_side import Applied, HubSide
from agentctl.model.digest import desired_digest
from agentctl.model.fleet import DesiredState, Host, Source
from agentctl.model.instance import ContainerState
from tests.fakes.clock import ManualClock
from tests.fakes.engine import FakeEngine
from tests.unit.reconcile.declared import OURS


@dataclass
class ScriptedEngine(FakeEngine):
    """The engine in memory, with images that are `broken`: no container is made of one."""

    broken: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, birth: Birth) -> str:
        with self.lock:
            if birth.spec.image in self.broken:
                raise EngineRefused(f"no such image: {birth.spec.image}")
            return super().create(birth)

    def dies(self, name: str, code: int = 1) -> None:
        """Let a container end by itself."""
        (gone,) = [each.id for each in self.containers.values() if each.name == name]
        self.exit(gone, code)

    def running(self) -> list[str]:
        return sorted(
            each.name for each in self.containers.values() if each.state is ContainerState.RUNNING
        )


@dataclass
class MemoryHub:
    """The reconciler's routes of the hub, on dictionaries. `words` is what was asked, in order."""

    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    demand: list[dict[str, Any]] = field(default_factory=list)
    passes: list[dict[str, Any]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    bodies: list[tuple[str, Any]] = field(default_factory=list)
    quarantined: set[str] = field(default_factory=set)
    refused: list[dict[str, Any]] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    births: list[dict[str, Any]] = field(default_factory=list)
    mode: str = "normal"
    away: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        raise AssertionError(f"a pass posts, it asks nothing: GET {path}")

    def post(self, path: str, body: Any) -> dict[str, Any]:
        with self.lock:
            if self.away:
                raise HubUnavailable("the hub does not answer")
            what = path.removeprefix("/api/hub/").split("/")
            self.bodies.append(("/".join(what), body))
            match what:
                case ["observed"]:
                    return self._observed(body)
                case ["passes"]:
                    self.passes.append(body)
                    return {}
                case ["instances"]:
                    return self._reserve(body)
                case ["instances", instance, verb]:
                    return self._instance(instance, verb, body)
            raise NotFound(path)

    def _observed(self, body: dict[str, Any]) -> dict[str, Any]:
        there = {
            container["instance"]
            for host in body["hosts"]
            for container in host["containers"]
            if container["state"] != "exited"
        }
        answered = any(not host["error"] for host in body["hosts"])
        for each in self.instances.values():
            if answered and each["id"] not in there:
                each["state"] = "recycled"
        living = [self._row(each) for each in self._alive()]
        return {
            "mode": self.mode,
            "instances": living,
            "demand": self._wanted(),
            "quarantined": sorted(self.quarantined),
            "refused": self.refused,
            "births": self.births,
        }

    def _row(self, instance: dict[str, Any]) -> dict[str, Any]:
        return {
            "spent": "",
            "free": False,
            "served": False,
            **instance,
            "task": self.tasks.get(instance["id"]),
            "waiting": self.waiting.get(instance["id"]),
        }

    def _alive(self) -> list[dict[str, Any]]:
        return [
            each
            for each in self.instances.values()
            if each["state"] not in ("recycling", "recycled")
        ]

    def _wanted(self) -> list[dict[str, Any]]:
        made = {each.get("made_for") for each in self._alive()}
        return [each for each in self.demand if each["task"] not in made]

    def _reserve(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.mode == "degraded":
            raise Degraded("the hub is degraded")
        place = (body["host"], body["agent"], body["replica"])
        if place in [(each["host"], each["agent"], each["replica"]) for each in self._alive()]:
            raise Conflict(f"{place} is taken")
        name = f"inst-{len(self.instances)}"
        self.words.append("reserve")
        self.instances[name] = {
            "id": name,
            "agent": body["agent"],
            "host": body["host"],
            "replica": body["replica"],
            "state": "provisioning",
            "container": "",
            "draining": False,
            "made_for": body.get("task", ""),
        }
        return {
            "instance": name,
            "label": "confidential",
            "provider": "ollama-qwen3",
            "boundary": "private",
            "installation": OURS,
            "fleet": "acme",
            "workspace": [],
        }

    def _instance(self, name: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        if name not in self.instances:
            raise NotFound(f"no instance {name}")
        instance = self.instances[name]
        self.words.append(f"{verb} {body.get('state', '')}".strip())
        if verb == "bind":
            instance |= {"container": body["container"], "state": "starting"}
            return {"boot": {"version": 1, "instance": name, "instance_token": f"it1.{name}.x"}}
        if verb == "drain":
            held = name in self.tasks and body.get("only_idle", False)
            instance["draining"] = instance.get("draining", False) or not held
            return {"task": self.tasks.get(name)}
        instance["state"] = body["state"]
        return {}


def any_secret(source: Source) -> bytes:
    return b"value"


class World:
    """One engine, one hub, one reconciler, one clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engine = ScriptedEngine(
            host=Host(name="local", engine_url="unix:///e.sock"),
            installation=OURS,
            fleet="acme",
            now_s=self.clock.wall_s,
        )
        self.hub = MemoryHub()
        self.stop = threading.Event()
        self.evidence: list[str] = []
        self.generation = 0
        self.resolve = any_secret
        side = HubSide(self.hub)
        engines = Engines(self._open)
        self.reconciler = Reconciler(
            hub=side,
            engines=engines,
            executor=Executor(
                hub=side,
                engine_of=engines.of,
                resolve=lambda source: self.resolve(source),
                keep_evidence=lambda change, _engine: self.evidence.append(change.container),
            ),
            halt=Halt(
                engine_of=engines.of,
                keep_log=lambda _host, _agent, container, _engine: self.evidence.append(container),
            ),
            clock=self.clock,
            stop=self.stop,
        )

    def apply(self, desired: DesiredState, *, prune: bool = False) -> None:
        """Make this the newest generation and let the reconciler take it."""
        self.generation += 1
        self.reconciler.take(
            Applied(
                number=self.generation,
                digest=desired_digest(desired),
                prune=prune,
                installation=OURS,
                desired=desired,
            )
        )

    def converge(self) -> dict[str, Any]:
        """Make one pass; return the last report that the hub got."""
        self.reconciler.converge()
        return self.hub.passes[-1]

    def _open(self, host: Host, *, installation: str, fleet: str) -> ScriptedEngine:
        return self.engine
