"""Containers of a Docker Engine: each within the baseline, each started once, none but ours touched."""

import contextlib
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agentctl.engine import reader
from agentctl.engine.api import Api, Gone
from agentctl.engine.attach import Attached
from agentctl.engine.baseline import SECRETS, WORKSPACE, container_config
from agentctl.engine.labels import labels_of, owner, way_out, workspace_conflict
from agentctl.engine.protocol import LOG_BYTES_MAX, Birth
from agentctl.engine.violations import engine_violations, violations
from agentctl.errors import EngineRefused
from agentctl.model.fleet import AgentSpec, ExecutorKind, Host
from agentctl.model.instance import LABEL_FLEET, LABEL_INSTALLATION, ObservedHost
from agentctl.model.ssh import is_ssh
from agentctl.paths import DOOR_IN_CONTAINER

DESCRIBED_S = (
    600.0  # an engine's version changes with its restart, which a failed look shows anyway
)


class DockerEngine:
    """One Docker Engine on a Unix socket. Methods may be called from several threads."""

    def __init__(
        self,
        host: Host,
        *,
        door: Callable[[Birth], Path],
        installation: str,
        fleet: str,
        shown: str = "",
    ) -> None:
        """`door` says where the host has a container's door; `shown` is what errors call the engine."""
        self._host = host
        self._door = door
        self._installation = installation
        self._fleet = fleet
        self._api = Api(host.engine_url, shown=shown)
        self._described = ""
        self._described_until_s = 0.0

    def observe(self) -> ObservedHost:
        """Return our containers, or why the engine doesn't tell."""
        known = self._described if time.monotonic() < self._described_until_s else ""
        seen = reader.observe_engine(self._host, installation=self._installation, engine=known)
        if not known and seen.reachable:
            self._described_until_s = time.monotonic() + DESCRIBED_S
        self._described = seen.engine  # nothing after a look that failed: it may come back upgraded
        return seen

    def boot_paths(self, birth: Birth) -> dict[str, str]:
        """Return the paths as the container sees them: egress.sock where it declares egress."""
        paths = {
            "hub_socket": f"{DOOR_IN_CONTAINER}/hub.sock",
            "llm_socket": f"{DOOR_IN_CONTAINER}/llm.sock",
            "workspace": WORKSPACE,
            "secrets_dir": SECRETS,
        }
        if birth.spec.egress:
            paths["egress_socket"] = f"{DOOR_IN_CONTAINER}/egress.sock"
        return paths

    def need(self, spec: AgentSpec) -> None:
        """Refuse when the engine doesn't have the image; none is ever pulled in passing."""
        try:
            with self._api.asking(f"cannot look for image {spec.image}") as client:
                client.inspect_image(spec.image)
        except Gone as cause:
            raise _no_image(spec, self._api.shown) from cause

    def create(self, birth: Birth) -> str:
        """Make the container and prove that it keeps to the baseline; a leftover is replaced."""
        self._prove_engine()
        self._clear_name(birth)
        if birth.keeps_workspace:
            self._workspace(birth)
        container = self._make(birth, self._door(birth))
        self._prove(container, birth.name)
        return container

    def start(self, container: str, boot: bytes) -> None:
        """Start it once; the boot document goes over the engine's own stream, and nowhere else."""
        found = self._ours(container, "start")
        if found["State"]["Status"] != "created":
            raise EngineRefused(
                f"cannot start {_name(found)}: it was started before; a container is started once"
            )
        what = f"cannot start {_name(found)}"
        with (
            self._known(what),
            self._api.asking(what) as client,
            Attached(client, container) as stdin,
        ):
            client.start(container)
            stdin.send(boot)

    def stop(self, container: str, grace_s: float) -> None:
        """Stop it: SIGTERM, after `grace_s` SIGKILL."""
        with contextlib.suppress(Gone):
            found = self._ours(container, "stop")
            with self._api.asking(f"cannot stop {_name(found)}") as client:
                client.stop(container, timeout=math.ceil(grace_s))

    def remove(self, container: str) -> None:
        """Remove it with its anonymous volumes; its workspace has a name and stays."""
        with contextlib.suppress(Gone):
            found = self._ours(container, "remove")
            with self._api.asking(f"cannot remove {_name(found)}") as client:
                client.remove_container(container, force=True, v=True)

    def logs(self, container: str, tail: int) -> str:
        """Return the end of what it printed."""
        with self._known("cannot read logs"):
            found = self._ours(container, "read")
            with self._api.asking(f"cannot read the logs of {_name(found)}") as client:
                printed: bytes = client.logs(container, stdout=True, stderr=True, tail=tail)
        return printed[-LOG_BYTES_MAX:].decode(errors="replace")

    def remove_workspaces(self) -> None:
        """Remove our fleet's volumes; one that a container still uses is refused."""
        labels = [f"{LABEL_INSTALLATION}={self._installation}", f"{LABEL_FLEET}={self._fleet}"]
        with (
            self._known("cannot remove workspaces"),
            self._api.asking("cannot remove workspaces") as client,
        ):
            for volume in client.volumes(filters={"label": labels})["Volumes"] or ():
                client.remove_volume(volume["Name"])

    def close(self) -> None:
        """Nothing is held: its client's connections end with it."""

    # -- what create is made of

    def _prove_engine(self) -> None:
        with self._known("cannot ask the engine"), self._api.asking("cannot ask") as client:
            lacking = engine_violations(client.info())
        if lacking:
            raise EngineRefused(f"the engine at {self._api.shown} can't confine: {lacking[0]}")

    def _clear_name(self, birth: Birth) -> None:
        what = f"cannot create {birth.name}"
        with contextlib.suppress(Gone), self._api.asking(what) as client:
            found = client.inspect_container(birth.name)
            labels = _labels(found)
            if labels.get(LABEL_INSTALLATION) != self._installation:
                raise EngineRefused(f"{what}: the name is taken by {owner(labels)}")
            if found["State"]["Status"] != "created":
                raise EngineRefused(
                    f"{what}: our container {found['Id'][:12]} of that name is"
                    f" {found['State']['Status']}; it must be removed first"
                )
            client.remove_container(found["Id"], force=True, v=True)

    def _workspace(self, birth: Birth) -> None:
        what = f"cannot use the workspace volume {birth.name}"
        with self._known(what), self._api.asking(what) as client:
            # Creating a volume that exists gives the existing one: only its labels tell.
            volume = client.create_volume(birth.name, driver="local", labels=labels_of(birth))
        theirs = volume.get("Labels") or {}
        conflict = workspace_conflict(theirs, birth)
        if conflict:
            raise EngineRefused(f"{what}: {conflict}", hint=way_out(theirs, birth))

    def _make(self, birth: Birth, door: Path) -> str:
        what = f"cannot create {birth.name}"
        try:
            with self._api.asking(what) as client:
                config = container_config(birth, door)
                container: str = client.create_container_from_config(config, birth.name)["Id"]
        except Gone as cause:
            raise _no_image(birth.spec, self._api.shown) from cause
        return container

    def _prove(self, container: str, name: str) -> None:
        """Remove the container and refuse unless the engine reports it within the baseline."""
        what = f"cannot prove {name}"
        with self._known(what), self._api.asking(what) as client:
            found = violations(client.inspect_container(container))
            if found:
                client.remove_container(container, force=True, v=True)
        if found:
            raise EngineRefused(
                f"{name} was not started: outside the mandatory baseline: {'; '.join(found)}"
            )

    # -- whose it is

    def _ours(self, container: str, verb: str) -> dict[str, Any]:
        """Return what the engine knows of our container. Raises Gone, EngineRefused for another's."""
        with self._api.asking(f"cannot {verb} {container[:12]}") as client:
            found: dict[str, Any] = client.inspect_container(container)
        if _labels(found).get(LABEL_INSTALLATION) != self._installation:
            raise EngineRefused(
                f"cannot {verb} {_name(found)}: it belongs to {owner(_labels(found))}"
            )
        return found

    @contextlib.contextmanager
    def _known(self, what: str) -> Any:
        """Turn Gone into a refusal, where the thing had to be there."""
        try:
            yield
        except Gone as cause:
            raise EngineRefused(f"{what}: {cause}") from cause


def _no_image(spec: AgentSpec, engine: str) -> EngineRefused:
    where = f" --engine-url {engine}" if is_ssh(engine) else ""
    cli = " --claude FILE" if spec.executor.kind is ExecutorKind.CLAUDE_CODE else ""
    return EngineRefused(
        f"the engine has no image {spec.image}, which agent {spec.name} runs",
        hint=f"build it with: agentctl image build --tag {spec.image}{where}{cli}",
    )


def _labels(found: Mapping[str, Any]) -> Mapping[str, str]:
    return found["Config"]["Labels"] or {}


def _name(found: Mapping[str, Any]) -> str:
    return str(found["Name"]).removeprefix("/")
