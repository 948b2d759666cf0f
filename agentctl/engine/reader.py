"""Look at a host and change nothing: over the engine's socket this client knows one verb, GET.

The reconciler and `plan` see through the same eyes.
"""

import http.client
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from agentctl.engine import records
from agentctl.engine.labels import container_from
from agentctl.engine.versions import describe
from agentctl.errors import EngineUnavailable
from agentctl.model.fleet import Host
from agentctl.model.instance import LABEL_INSTALLATION, Container, ContainerState, ObservedHost
from agentctl.paths import StatePaths

ANSWER_S_MAX = 10.0
ANSWER_BYTES_MAX = 64 << 20  # 10,000 containers are 20 MB

_STATES = {
    "created": ContainerState.CREATED,
    "running": ContainerState.RUNNING,
    "paused": ContainerState.RUNNING,  # it holds its memory and its credentials
    "restarting": ContainerState.RUNNING,
}


def observe(
    host: Host, *, paths: StatePaths, installation: str, timeout_s: float = ANSWER_S_MAX
) -> ObservedHost:
    """Return this installation's containers on a host; what goes wrong is its `error`. Never raises."""
    if host.engine_url == "process:":
        return observe_processes(host, paths=paths, installation=installation)
    if host.remote:
        return _observe_there(host, installation=installation, timeout_s=timeout_s)
    return observe_engine(host, installation=installation, timeout_s=timeout_s)


def observe_engine(
    host: Host, *, installation: str, timeout_s: float = ANSWER_S_MAX, engine: str = ""
) -> ObservedHost:
    """Return this installation's containers of a Docker Engine. Never raises.

    `engine` is its description if the caller has it from an earlier look: one call less.
    """
    try:
        reader = Reader(host.engine_url, timeout_s=timeout_s)
        listed = reader.get(f"/containers/json?all=1&filters={_ours(installation)}")
        engine = engine or describe(reader.get("/version"))
        seen = tuple(_container(item, host.name) for item in listed)
    except (OSError, ValueError, http.client.HTTPException, LookupError, TypeError) as why:
        return ObservedHost(name=host.name, error=f"{host.engine_url}: {why or type(why).__name__}")
    return ObservedHost(name=host.name, containers=seen, engine=engine)


def _observe_there(host: Host, *, installation: str, timeout_s: float) -> ObservedHost:
    """Return what an engine on another host shows through a connection made for this look alone."""
    from agentctl.engine.ssh.reach import nothing_there, reached  # here: few fleets have one

    try:
        with reached(host.engine_url) as url:
            here = replace(host, engine_url=url)
            seen = observe_engine(here, installation=installation, timeout_s=timeout_s)
    except (EngineUnavailable, OSError) as why:
        return ObservedHost(name=host.name, error=str(why))
    if seen.reachable:
        return seen
    return replace(seen, error=f"{host.engine_url}: {nothing_there(seen.error)}")


def observe_processes(host: Host, *, paths: StatePaths, installation: str) -> ObservedHost:
    """Return this installation's agent processes on this machine, by their records. Never raises."""
    try:
        seen = records.read_all(paths.process / host.name)
    except OSError as why:
        return ObservedHost(name=host.name, error=f"{host.engine_url} {why}")
    ours = (
        container_from(
            record.labels,
            id=record.id,
            name=record.name,
            host=host.name,
            state=records.state(record),
            created_at_s=record.created_at_s,
            exit_code=record.exit_code,
        )
        for record in seen
        if record.labels.get(LABEL_INSTALLATION) == installation
    )
    return ObservedHost(name=host.name, containers=tuple(ours), engine="processes, not isolated")


class Reader:
    """An engine's API, read only. `url` is `unix:///path`. Raises OSError, ValueError, HTTPException."""

    def __init__(self, url: str, *, timeout_s: float = ANSWER_S_MAX) -> None:
        if not url.startswith("unix:///"):
            raise ValueError("only engines on a Unix socket (unix:///path) can be read")
        self._socket = url.removeprefix("unix://")
        self._timeout_s = timeout_s

    def get(self, path: str) -> Any:
        """Return the parsed JSON of a GET; any other status than 200 is a ValueError."""
        connection = _UnixConnection(self._socket, self._timeout_s)
        try:
            connection.request("GET", path, headers={"Host": "engine"})
            answer = connection.getresponse()
            body = answer.read(ANSWER_BYTES_MAX + 1)
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"the engine answered {answer.status} to GET {path.partition('?')[0]}")
        if len(body) > ANSWER_BYTES_MAX:
            raise ValueError(f"the engine's answer is over {ANSWER_BYTES_MAX} bytes")
        return json.loads(body)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _ours(installation: str) -> str:
    return quote(json.dumps({"label": [f"{LABEL_INSTALLATION}={installation}"]}))


def _container(item: Mapping[str, Any], host: str) -> Container:
    return container_from(
        item["Labels"],
        id=item["Id"],
        name=item["Names"][0].removeprefix("/") if item["Names"] else "",
        host=host,
        state=_STATES.get(item["State"], ContainerState.EXITED),
        created_at_s=float(item["Created"]),
        exit_code=_exit_code(item["Status"]),
    )


def _exit_code(status: str) -> int | None:
    """Read "Exited (137) 3 minutes ago": the list holds the code nowhere else."""
    found = re.match(r"Exited \((\d+)\)", status)
    return int(found[1]) if found else None
