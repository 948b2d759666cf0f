"""agentctl's processes as accounts of their own, without making accounts: a number is enough for the kernel.

Python and the packages may lie where no other account may look (in root's home): a process sees them
through mounts of a namespace of its own, which end with it.
"""

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DROPPED = ("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
MOUNTED = 'set -e; mount --bind "$1" "$2"; mount --bind "$3" "$4"; mount --bind "$5" "$6"; shift 6; exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account by its numbers: a group of its own with the same number, and the groups it is in."""

    name: str
    uid: int
    groups: tuple[int, ...] = ()

    def words(self) -> list[str]:
        """Return what runs a command as this account, with no capability and none to be had."""
        groups = (
            ("--groups", ",".join(map(str, self.groups))) if self.groups else ("--clear-groups",)
        )
        return ["setpriv", "--reuid", str(self.uid), "--regid", str(self.uid), *groups, *DROPPED]

    def may(self, *command: str) -> bool:
        """Whether a command succeeds for this account."""
        ended = subprocess.run(
            [*self.words(), *command], capture_output=True, timeout=20, check=False
        )
        return ended.returncode == 0

    def connects(self, socket: Path) -> bool:
        """Whether the kernel lets this account connect to a Unix socket."""
        say = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        return self.may("/usr/bin/python3", "-c", say, str(socket))

    def start(
        self, place: Path, *words: str, environ: dict[str, str], log: Path
    ) -> "subprocess.Popen[bytes]":
        """Start `agentctl words…`; `place` is an empty directory that every account may enter."""
        python, packages, tree = (place / each for each in ("python", "packages", "tree"))
        for each in (python, packages, tree):
            each.mkdir(exist_ok=True)
        mounts = (sys.base_prefix, python, sysconfig.get_path("purelib"), packages, ROOT, tree)
        interpreter = python / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        with log.open("ab") as file:
            return subprocess.Popen(
                [
                    *("unshare", "--mount", "sh", "-c", MOUNTED, "sh", *map(str, mounts)),
                    *(*self.words(), str(interpreter), "-m", "agentctl", *words),
                ],
                cwd="/",
                env={
                    "PATH": os.defpath,
                    "HOME": "/nonexistent",
                    "PYTHONHOME": str(python),
                    "PYTHONPATH": f"{tree}:{packages}",
                    "LD_LIBRARY_PATH": str(python / "lib"),
                    "PYTHONDONTWRITEBYTECODE": "1",
                    **environ,
                },
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
