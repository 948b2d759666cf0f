"""An engine in memory, for tests of what drives engines; held to the same suite as the real ones."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agentctl.engine.labels import container_from, labels_of, owner, way_out, workspace_conflict
from agentctl.engine.protocol import Birth
from agentctl.errors import AgentctlError, EngineRefused
from agentctl.model.fleet import AgentSpec, Host
from agentctl.model.instance import (
    LABEL_FLEET,
    LABEL_INSTALLATION,
    Container,
    ContainerState,
    ObservedHost,
)
from agentctl.paths import DOOR_IN_CONTAINER


@dataclass
class FakeEngine:
    """Scripted from outside: `down` makes it unreachable, `failing` makes single verbs raise.

    `boots` holds each container's boot document, `calls` what was asked for, in order.
    """

    host: Host
    installation: str
    fleet: str
    now_s: Callable[[], float] = lambda: 0.0
    down: str = ""
    failing: dict[str, AgentctlError] = field(default_factory=dict)
    boots: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    containers: dict[str, Container] = field(default_factory=dict)
    workspaces: dict[str, dict[str, str]] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    _made: int = 0

    def observe(self) -> ObservedHost:
        if self.down:
            return ObservedHost(name=self.host.name, error=self.down)
        ours = [each for each in self.containers.values() if self._is_ours(each)]
        return ObservedHost(name=self.host.name, containers=tuple(ours), engine="in memory")

    def boot_paths(self, birth: Birth) -> dict[str, str]:
        paths = {
            "hub_socket": f"{DOOR_IN_CONTAINER}/hub.sock",
            "llm_socket": f"{DOOR_IN_CONTAINER}/llm.sock",
            "workspace": "/workspace",
            "secrets_dir": "/run/secrets",
        }
        if birth.spec.egress:
            paths["egress_socket"] = f"{DOOR_IN_CONTAINER}/egress.sock"
        return paths

    def need(self, spec: AgentSpec) -> None:
        if "need" in self.failing:
            raise self.failing["need"]

    def create(self, birth: Birth) -> str:
        self._call("create", birth.name)
        taken = next((each for each in self.containers.values() if each.name == birth.name), None)
        if taken is not None:
            self._clear(taken)
        if birth.keeps_workspace:
            self._workspace(birth)
        self._made += 1
        container = container_from(
            labels_of(birth),
            id=f"container-{self._made}",
            name=birth.name,
            host=self.host.name,
            state=ContainerState.CREATED,
            created_at_s=self.now_s(),
        )
        self.containers[container.id] = container
        return container.id

    def start(self, container: str, boot: bytes) -> None:
        self._call("start", container)
        found = self._ours(container)
        if found is None or found.state is not ContainerState.CREATED:
            raise EngineRefused(f"cannot start {container}: a container is started once")
        self.containers[container] = replace(found, state=ContainerState.RUNNING)
        self.boots[container] = boot

    def stop(self, container: str, grace_s: float) -> None:
        self._call("stop", container)
        found = self._ours(container)
        if found is not None and found.state is ContainerState.RUNNING:
            self.exit(container, 0)

    def remove(self, container: str) -> None:
        self._call("remove", container)
        if self._ours(container) is not None:
            del self.containers[container]

    def logs(self, container: str, tail: int) -> str:
        self._call("logs", container)
        if self._ours(container) is None:
            raise EngineRefused(f"cannot read the logs of {container}: it is gone")
        return "".join(self.printed.get(container, "").splitlines(keepends=True)[-tail:])

    def close(self) -> None:
        """Nothing leads to it."""

    def remove_workspaces(self) -> None:
        self._call("remove_workspaces", self.fleet)
        for name, labels in list(self.workspaces.items()):
            mine = (labels[LABEL_INSTALLATION], labels[LABEL_FLEET])
            if mine == (self.installation, self.fleet):
                if any(each.name == name for each in self.containers.values()):
                    raise EngineRefused(f"cannot remove the workspace {name}: it is in use")
                del self.workspaces[name]

    # -- for tests

    def exit(self, container: str, code: int) -> None:
        """Let a container end by itself."""
        self.containers[container] = replace(
            self.containers[container], state=ContainerState.EXITED, exit_code=code
        )

    def _call(self, verb: str, what: str) -> None:
        self.calls.append(f"{verb} {what}")
        if verb in self.failing:
            raise self.failing[verb]

    def _is_ours(self, container: Container) -> bool:
        return container.installation == self.installation

    def _ours(self, container: str) -> Container | None:
        found = self.containers.get(container)
        if found is not None and not self._is_ours(found):
            whose = owner({LABEL_INSTALLATION: found.installation})
            raise EngineRefused(f"{found.name} belongs to {whose}")
        return found

    def _clear(self, taken: Container) -> None:
        if not self._is_ours(taken):
            whose = owner({LABEL_INSTALLATION: taken.installation})
            raise EngineRefused(f"cannot create {taken.name}: the name is taken by {whose}")
        if taken.state is not ContainerState.CREATED:
            raise EngineRefused(
                f"cannot create {taken.name}: ours is {taken.state}; it must be removed first"
            )
        del self.containers[taken.id]

    def _workspace(self, birth: Birth) -> None:
        labels = self.workspaces.setdefault(birth.name, labels_of(birth))
        conflict = workspace_conflict(labels, birth)
        if conflict:
            raise EngineRefused(
                f"cannot use the workspace {birth.name}: {conflict}", hint=way_out(labels, birth)
            )
