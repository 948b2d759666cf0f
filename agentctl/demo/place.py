"""Where the demo's agents run: containers when an engine and a base image are to be had, else processes."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentctl.demo.scene import Scene
from agentctl.engine import image as agent_image
from agentctl.engine import open_engine
from agentctl.errors import AgentctlError, UsageError
from agentctl.model.fleet import Host, Isolation
from agentctl.paths import StatePaths

SOCKET = "/var/run/docker.sock"
TAG = "agentctl/agent:1"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The engine chosen, the image its agents run and how they work; `sentence` says it to a person."""

    kind: str
    engine_url: str
    contained: bool
    image: str
    executor: str
    sentence: str


def choose(wanted: str, base: str, say: Say) -> Place:
    """Return where to run. Raises UsageError when containers were asked for and can't be had."""
    if wanted == "process":
        return _processes("as asked")
    url = engine_url()
    try:
        executor = _prepare_image(url, base, say)
    except AgentctlError as why:
        if wanted == "docker":
            raise UsageError(f"no containers: {why}", hint="try --engine process") from why
        return _processes(str(why))
    return Place(
        kind="docker",
        engine_url=url,
        contained=True,
        image=TAG,
        executor=executor,
        sentence=f"Agents run in containers of the engine at {url}: no network, one door.",
    )


def engine_url() -> str:
    """Return the engine's address: DOCKER_HOST when it is a Unix socket, else the usual socket."""
    named = os.environ.get("DOCKER_HOST", "")
    return named if named.startswith("unix://") else f"unix://{SOCKET}"


def _prepare_image(url: str, base: str, say: Say) -> str:
    """Build the agent image if it isn't there; return the executor that it can run."""
    return agent_image.ensure(url, tag=TAG, base=base, say=say)


def _processes(why: str) -> Place:
    return Place(
        kind="process",
        engine_url="process:",
        contained=False,
        image=TAG,
        executor="messages-api",
        sentence=f"Agents run as plain processes on this machine, which isolates NOTHING ({why}).",
    )


def sweep(where: Place, stage: Scene, say: Say) -> None:
    """Remove every container, volume and process that this run's installation made."""
    paths = StatePaths(stage.state)
    try:
        installation = Path(paths.installation).read_text().strip()
    except FileNotFoundError:
        return  # the hub never started: nothing was made
    isolation = Isolation.STRICT if where.contained else Isolation.NONE
    host = Host(name="local", engine_url=where.engine_url, isolation=isolation)
    engine = open_engine(host, paths=paths, installation=installation, fleet=stage.fleet)
    seen = engine.observe()
    if not seen.reachable:
        say(f"nothing could be removed from {where.engine_url}: {seen.error}")
        return
    for container in seen.containers:
        try:
            engine.stop(container.id, 3.0)
            engine.remove(container.id)
        except AgentctlError as why:
            say(f"left behind: {container.name}: {why}")
    engine.remove_workspaces()
