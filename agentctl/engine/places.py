"""Where the process engine keeps what belongs to one agent's replica: workspace, secrets, log, record."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentctl.engine.labels import labels_of, way_out, workspace_conflict
from agentctl.engine.protocol import Birth
from agentctl.engine.records import RECORD
from agentctl.errors import EngineRefused
from agentctl.paths import StatePaths

LOG_FILE_BYTES_MAX = 20 << 20  # then it is emptied: a chatty agent must not fill the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folders of one replica. Secrets stand in the runtime directory: gone with a reboot."""

    name: str
    folder: Path
    secrets: Path

    def workspace(self, *, kept: bool) -> Path:
        """Return the work tree: the one kept over replacements, or a fresh one each time."""
        return self.folder / ("workspace" if kept else "scratch")

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def _served(self) -> Path:
        return self.folder / "workspace.json"

    def prepare(self, birth: Birth) -> None:
        """Make the folders for a birth. Raises EngineRefused when the kept workspace may not serve it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = birth.keeps_workspace
        if kept and self.workspace(kept=True).exists():
            labels = self.workspace_labels()
            conflict = workspace_conflict(labels, birth)
            if conflict:
                raise EngineRefused(
                    f"cannot use the workspace {self.workspace(kept=True)}: {conflict}",
                    hint=way_out(labels, birth),
                )
        elif kept:
            self._served.write_text(json.dumps(labels_of(birth)))
        else:
            shutil.rmtree(self.workspace(kept=False), ignore_errors=True)
        # A scratch that can't be removed may hold the last task's work: it is never used again.
        self.workspace(kept=kept).mkdir(mode=0o700, exist_ok=kept)
        self.remove_secrets()
        self.secrets.mkdir(mode=0o700, parents=True)
        self.log.unlink(missing_ok=True)

    def workspace_labels(self) -> Mapping[str, str]:
        """Return the labels that the kept workspace was made for; {} when there is none."""
        try:
            labels: Mapping[str, str] = json.loads(self._served.read_bytes())
        except FileNotFoundError:
            return {}
        return labels

    def clear(self) -> None:
        """Remove all but a kept workspace. The record goes last: until then a retry finds the rest."""
        self.remove_secrets()
        shutil.rmtree(self.workspace(kept=False), ignore_errors=True)
        self.log.unlink(missing_ok=True)
        (self.folder / RECORD).unlink(missing_ok=True)
        if not self._served.exists():
            shutil.rmtree(self.folder, ignore_errors=True)

    def remove(self) -> None:
        """Remove all of it, a kept workspace too."""
        self.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_secrets(self) -> None:
        """Take the secrets' files away."""
        shutil.rmtree(self.secrets, ignore_errors=True)

    def log_end(self, bytes_max: int) -> str:
        """Return the last bytes of the log as text; "" when nothing was printed."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - bytes_max))
                return file.read(bytes_max).decode(errors="replace")
        except FileNotFoundError:
            return ""

    def bound_log(self) -> None:
        """Empty a log that is over its bound; its writer appends, so it goes on at the start."""
        if self.log.exists() and self.log.stat().st_size > LOG_FILE_BYTES_MAX:
            os.truncate(self.log, 0)


class Places:
    """The places of one host, in one installation's state."""

    def __init__(self, paths: StatePaths, host: str) -> None:
        self._root = paths.process
        self._secrets = paths.runtime / "secrets" / host
        self.host = paths.process / host

    def of(self, name: str) -> Place:
        """Return the place of a container's name."""
        return Place(name=name, folder=self.host / name, secrets=self._secrets / name)

    def all(self) -> list[Place]:
        """Return the places that exist."""
        if not self.host.is_dir():
            return []
        return [self.of(each.name) for each in sorted(self.host.iterdir()) if each.is_dir()]

    def program(self, content: bytes) -> Path:
        """Return the path of the program that agents run; a new version never replaces a running one."""
        path = self._root / f".agentd-{hashlib.sha256(content).hexdigest()[:16]}.pyz"
        if not path.exists():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            # a name of its own: several containers are created at once
            descriptor, fresh = tempfile.mkstemp(prefix=".agentd-", dir=self._root)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(fresh).replace(path)
        return path
