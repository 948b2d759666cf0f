"""The project's files as a git revision has them, unpacked beside: for comparing without an engine."""

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentctl.errors import ConfigError

GIT_S = 60.0
FILES_MAX = 20_000
KINDS = (".yaml", ".yml", ".json")  # the rest of a repository is none of our business
FOLDERS = ("group_vars", "host_vars", "vars")  # there, files without an ending count too


@contextmanager
def revision(project: Path, rev: str) -> Iterator[Path]:
    """Yield a directory with the project's files at `rev`, gone afterwards; the repository isn't touched.

    A revision from before the project gives an empty directory. Raises ConfigError without
    git or for an unknown revision.
    """
    commit = _git(
        project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}"
    )
    if not commit:
        raise ConfigError(
            f"git knows no revision {rev!r} in {project}",
            hint="in CI, fetch it first: `git fetch origin main`, or a checkout with its history",
        )
    name = commit.decode().strip()
    top = Path(_git(project, "rev-parse", "--show-toplevel").decode().strip() or project)
    prefix = _git(project, "rev-parse", "--show-prefix").decode().strip()
    root = f"{name}:{prefix}".removesuffix("/")
    with tempfile.TemporaryDirectory(prefix="agentctl-against-") as scratch:
        kinds = _kinds(_git(top, "ls-tree", "-r", "-z", "--name-only", root))
        if kinds:
            _unpack(_git(top, "archive", "--format=tar", root, "--", *kinds), Path(scratch))
        yield Path(scratch)


def _kinds(listed: bytes) -> list[str]:
    """Return patterns for the kinds of files that a project is made of; git refuses one that fits none."""
    names = listed.decode("utf-8", "replace").split("\0")
    kinds = [f"*{kind}" for kind in KINDS if any(each.endswith(kind) for each in names)]
    return kinds + [
        folder for folder in FOLDERS if any(each.startswith(f"{folder}/") for each in names)
    ]


def _unpack(archive: bytes, target: Path) -> None:
    """Write the archive's files: what stands in the revision, links that lead outside excepted."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        for at, member in enumerate(packed):
            if at >= FILES_MAX:
                raise ConfigError(f"the revision has more than {FILES_MAX} files here")
            try:
                packed.extract(member, target, filter="data")
            except tarfile.FilterError:
                continue  # nothing that the loader would read either


def _git(project: Path, *words: str) -> bytes:
    """Return what git says, b"" when it says no. Raises ConfigError without git."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(project), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as why:
        raise ConfigError(f"git can't be asked about {project}: {why}") from why
    return done.stdout if done.returncode == 0 else b""
