"""An engine under test with what its tests need around it: births, waiting, cleaning up."""

import contextlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from agentctl.engine import Birth, Engine
from agentctl.errors import EngineRefused
from agentctl.model.fleet import AgentSpec, Host, Lifecycle, Resources, Workspace
from agentctl.model.instance import Container, ContainerState
from agentctl.paths import StatePaths

T = TypeVar("T")
WAIT_S = 20.0
Opener = Callable[[Host, StatePaths, str, str], Engine]


@dataclass
class Rig:
    """One engine of one installation. `again()` is the same installation after a restart."""

    kind: str
    host: Host
    paths: StatePaths
    installation: str
    image: str
    opener: Opener
    # One of its own: test runs side by side share the engine, and its names.
    fleet: str = field(default_factory=lambda: f"enginetest-{uuid.uuid4().hex[:8]}")
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = self.opener(self.host, self.paths, self.installation, self.fleet)

    def again(self, *, installation: str = "") -> Engine:
        """Open the engine anew, as another process would; of another installation when named."""
        return self.opener(self.host, self.paths, installation or self.installation, self.fleet)

    def birth(
        self,
        agent: str = "dev",
        *,
        instance: str = "inst-1",
        installation: str = "",
        label: str = "confidential",
        boundary: str = "private",
        lifecycle: Lifecycle = Lifecycle.PERSISTENT,
        workspace: tuple[tuple[str, str], ...] = (),
    ) -> Birth:
        spec = AgentSpec(
            name=agent,
            host=self.host.name,
            image=self.image,
            provider="ollama",
            clearance=label,
            lifecycle=lifecycle,
            resources=Resources(cpus=0.5, memory_bytes=256 << 20, pids=64),
            workspace=Workspace(size_bytes=64 << 20),
            grace_s=1.0,
        )
        return Birth(
            fleet=self.fleet,
            installation=installation or self.installation,
            instance=instance,
            replica=1,
            spec=spec,
            spec_hash="0123456789abcdef",
            workspace=workspace,
            provider="ollama",
            boundary=boundary,
            label=label,
        )

    def boot(self, birth: Birth, *do: str, **more: Any) -> bytes:
        """Return a boot document for the stand-in agentd."""
        paths = self.engine.boot_paths(birth)
        return json.dumps({"instance": birth.instance, **paths, "do": do, **more}).encode()

    def run(self, birth: Birth, *do: str, **more: Any) -> str:
        """Create and start a container that does these steps; return its id."""
        container = self.engine.create(birth)
        self.engine.start(container, self.boot(birth, *do, **more))
        return container

    def seen(self, container: str) -> Container | None:
        """Return what is observed of a container."""
        observed = self.engine.observe()
        assert not observed.error, observed.error
        return next((each for each in observed.containers if each.id == container), None)

    def prints(self, container: str, words: str) -> str:
        """Wait until a container has printed these words; return all that it printed."""
        return until(
            lambda: text if words in (text := self.engine.logs(container, 100)) else None,
            what=lambda: f"{words!r} in {self.engine.logs(container, 100)!r}",
        )

    def exits(self, container: str) -> Container:
        """Wait until a container has ended; return what is observed of it."""

        def look() -> Container | None:
            found = self.seen(container)
            return found if found and found.state is ContainerState.EXITED else None

        return until(look, what=lambda: f"the end of {container}")

    def clean(self) -> None:
        """Remove all that this installation made."""
        for container in self.engine.observe().containers:
            self.engine.remove(container.id)
        with contextlib.suppress(EngineRefused):  # another installation's test holds one still
            self.engine.remove_workspaces()


def until(look: Callable[[], T | None], *, what: Callable[[], str]) -> T:
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"no {what()} within {WAIT_S:g} s")


def stand_in() -> Path:
    """Return the script that runs in place of agentd."""
    return Path(__file__).resolve().parents[2] / "fakes" / "stand_in_agentd.py"
