"""Agents as plain processes of this machine: the same verbs as a container engine, and no isolation at all.

For trying things out, and for machines without a container engine. Each agent is agentd in a
session of its own, found again by pid and start time.
"""

import subprocess
import threading
import time
from dataclasses import replace

from agentctl import resources
from agentctl.engine import proc, reader, records
from agentctl.engine.labels import labels_of, owner
from agentctl.engine.pipe import write_all
from agentctl.engine.places import Place, Places
from agentctl.engine.proc import end
from agentctl.engine.protocol import LOG_BYTES_MAX, Birth
from agentctl.engine.records import Record
from agentctl.engine.spawn import spawn
from agentctl.errors import EngineRefused, EngineUnavailable
from agentctl.model.fleet import AgentSpec, Host
from agentctl.model.instance import (
    LABEL_FLEET,
    LABEL_INSTALLATION,
    ContainerState,
    ObservedHost,
)
from agentctl.paths import StatePaths

BOOT_S_MAX = 30.0  # as long as agentd waits for its boot document


class ProcessEngine:
    """The processes of one `process:` host. Methods may be called from several threads.

    `program` is what runs: agentd as a zip archive (or any Python script).
    """

    def __init__(
        self,
        host: Host,
        *,
        paths: StatePaths,
        installation: str,
        fleet: str,
        program: bytes | None = None,
    ) -> None:
        self._host = host
        self._paths = paths
        self._installation = installation
        self._fleet = fleet
        self._program = program
        self._places = Places(paths, host.name)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._recording = threading.Lock()  # a record is read, judged and rewritten as one

    def observe(self) -> ObservedHost:
        """Return our agents' processes; what ended is reaped and its secrets are taken away."""
        try:
            self._tidy()
            seen = reader.observe_processes(
                self._host, paths=self._paths, installation=self._installation
            )
            if any(each.state is ContainerState.EXITED for each in seen.containers):
                self._tidy()  # it may have ended since: what is told to have ended has no secrets
        except OSError as why:
            return ObservedHost(name=self._host.name, error=f"{self._host.engine_url} {why}")
        return seen

    def boot_paths(self, birth: Birth) -> dict[str, str]:
        """Return the paths on this machine: there is no other view."""
        place = self._places.of(birth.name)
        paths = {
            "hub_socket": str(self._paths.hub_socket),
            "llm_socket": str(self._paths.llm_socket),
            "workspace": str(place.workspace(kept=birth.keeps_workspace)),
            "secrets_dir": str(place.secrets),
        }
        if birth.spec.egress:
            paths["egress_socket"] = str(self._paths.egress_door)
        return paths

    def need(self, spec: AgentSpec) -> None:
        """Refuse nothing: agents run by this machine's own Python, without an image."""

    def create(self, birth: Birth) -> str:
        """Fork agentd, which then waits for its boot document; a leftover is ended and replaced."""
        place = self._places.of(birth.name)
        try:
            self._clear_name(place, birth)
            place.prepare(birth)
            return self._fork(place, birth).id
        except OSError as cause:
            raise EngineUnavailable(f"cannot create {birth.name}: {cause}") from cause

    def start(self, container: str, boot: bytes) -> None:
        """Write the boot document, this once. Only the process that created it can."""
        child = self._children.get(container)
        with self._recording:
            record = self._ours(container, "start")
            if record is None or record.started or child is None or child.stdin is None:
                raise EngineRefused(
                    f"cannot start {container}: it is gone or was started before;"
                    " a container is started once"
                )
            records.write(self._places.of(record.name).folder, replace(record, started=True))
        try:
            with child.stdin as pipe:
                write_all(pipe.fileno(), boot, within_s=BOOT_S_MAX)
        except OSError as cause:
            raise EngineUnavailable(f"cannot start {record.name}: {cause}") from cause

    def stop(self, container: str, grace_s: float) -> None:
        """SIGTERM; after `grace_s` SIGKILL; then the rest of its session and what it left behind."""
        record = self._ours(container, "stop")
        if record is not None:
            end(record.process, grace_s=grace_s, reap=self._reap)
            self._tidy()

    def remove(self, container: str) -> None:
        """End it at once and forget it; a kept workspace stays."""
        record = self._ours(container, "remove")
        if record is None:
            return
        end(record.process, grace_s=0.0, reap=self._reap)
        with self._recording:
            self._forget(container)
            self._places.of(record.name).clear()

    def logs(self, container: str, tail: int) -> str:
        """Return the end of what it printed."""
        record = self._ours(container, "read")
        if record is None:
            raise EngineRefused(f"cannot read the logs of {container}: it is gone")
        printed = self._places.of(record.name).log_end(LOG_BYTES_MAX)
        return "".join(printed.splitlines(keepends=True)[-tail:])

    def close(self) -> None:
        """Nothing leads to it."""

    def remove_workspaces(self) -> None:
        """Remove the kept workspaces of our fleet; one that a process still uses is refused."""
        for place in self._places.all():
            labels = place.workspace_labels()
            ours = labels.get(LABEL_INSTALLATION) == self._installation
            if ours and labels.get(LABEL_FLEET) == self._fleet:
                if records.read(place.folder) is not None:
                    raise EngineRefused(f"cannot remove the workspace {place.name}: it is in use")
                place.remove()

    # -- what the verbs are made of

    def _clear_name(self, place: Place, birth: Birth) -> None:
        with self._recording:
            record = records.read(place.folder)
            if record is None:
                return
            if record.labels.get(LABEL_INSTALLATION) != self._installation:
                raise EngineRefused(
                    f"cannot create {birth.name}: the name is taken by {owner(record.labels)}"
                )
            if record.started:
                raise EngineRefused(
                    f"cannot create {birth.name}: our {record.id} of that name is"
                    f" {records.state(record)}; it must be removed first"
                )
            end(record.process, grace_s=0.0, reap=self._reap)
            self._forget(record.id)
            records.erase(place.folder)

    def _fork(self, place: Place, birth: Birth) -> Record:
        program = self._program if self._program is not None else resources.agentd()
        child = spawn(self._places.program(program), place, kept=birth.keeps_workspace)
        identity = proc.identify(child.pid)  # there even if it ended: it isn't reaped yet
        assert identity is not None
        record = Record(
            name=birth.name,
            process=identity,
            labels=labels_of(birth),
            created_at_s=time.time(),
        )
        with self._recording:
            # Until here, our death closes its input and so ends it: nothing runs unrecorded.
            records.write(place.folder, record)
            self._children[record.id] = child
        return record

    def _ours(self, container: str, verb: str) -> Record | None:
        """Return the record of that id, None when it is gone. Raises EngineRefused for another's."""
        try:
            found = records.read_all(self._places.host)
        except OSError as cause:
            raise EngineUnavailable(f"cannot {verb} {container}: {cause}") from cause
        record = next((each for each in found if each.id == container), None)
        if record and record.labels.get(LABEL_INSTALLATION) != self._installation:
            raise EngineRefused(
                f"cannot {verb} {record.name}: it belongs to {owner(record.labels)}"
            )
        return record

    def _reap(self) -> None:
        """Take in the exit codes of children that ended: a zombie would look alive to others."""
        for child in list(self._children.values()):
            child.poll()

    def _tidy(self) -> None:
        """Record what ended, take its secrets away, and keep logs bounded."""
        self._reap()
        with self._recording:
            for record in records.read_all(self._places.host):
                place = self._places.of(record.name)
                place.bound_log()
                if records.state(record) is ContainerState.EXITED:
                    place.remove_secrets()
                    self._note_end(record, place)

    def _note_end(self, record: Record, place: Place) -> None:
        # Without a child it was adopted after a restart: its code is nobody's to know.
        child = self._children.get(record.id)
        # Asked again: it may have ended since all were reaped. A leader whose threads still end
        # looks gone before its code can be had: the next look has it.
        if child is None or child.poll() is None:
            return
        self._forget(record.id)
        records.write(place.folder, records.ended(record, child.returncode))

    def _forget(self, container: str) -> subprocess.Popen[bytes] | None:
        child = self._children.pop(container, None)
        if child is not None and child.stdin is not None:
            child.stdin.close()
        return child
