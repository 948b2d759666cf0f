"""The project's files as a git revision has them, unpacked beside: for comparing without an engine."""

import io
import os
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
        raise _no_revision(project, rev)
    name = commit.decode().strip()
    top = Path(_git(project, "rev-parse", "--show-toplevel").decode().strip() or project)
    prefix = _git(project, "rev-parse", "--show-prefix").decode().strip()
    root = f"{name}:{prefix}".removesuffix("/")
    with tempfile.TemporaryDirectory(prefix="agentctl-against-") as scratch:
        kinds = _kinds(_git(top, "ls-tree", "-r", "-z", "--name-only", root))
        if kinds:
            _unpack(_git(top, "archive", "--format=tar", root, "--", *kinds), Path(scratch))
        yield Path(scratch)


def _no_revision(project: Path, rev: str) -> ConfigError:
    """Return why git has no such revision: there is no repository, or none that it reads, or no history."""
    asked = _asked(project, "rev-parse", "--is-shallow-repository")
    if asked.returncode:
        said = asked.stderr.decode("utf-8", "replace").partition("\n")[0].removeprefix("fatal: ")
        hint = "compare inside the repository that has the revision"
        if "dubious ownership" in said:
            where = said.partition("'")[2].partition("'")[0]
            hint = f"if it is yours: git config --global --add safe.directory {where}"
        return ConfigError(f"git can't read {project}: {said}", hint=hint)
    shallow = asked.stdout.strip() == b"true"
    return ConfigError(
        f"git knows no revision {rev!r} in {project}",
        hint="this clone is shallow: `git fetch --unshallow`, or a checkout with its history"
        if shallow
        else "in CI, fetch it first: `git fetch origin main`, or a checkout with its history",
    )


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
    done = _asked(project, *words)
    return done.stdout if done.returncode == 0 else b""


def _asked(project: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", "-C", str(project), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},  # its words are looked into
            timeout=GIT_S,
            check=False,
        )
    except FileNotFoundError as why:
        raise ConfigError("--against needs git, and there is none", hint="install git") from why
    except (OSError, subprocess.TimeoutExpired) as why:
        raise ConfigError(f"git can't be asked about {project}: {why}") from why
