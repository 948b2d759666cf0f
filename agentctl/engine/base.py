"""A base image made here by debootstrap, for where no image can be pulled; kept by its recipe's hash."""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from agentctl.errors import EngineRefused

Progress = Callable[[str], None]

SUITE = "bookworm"
# python3-minimal lacks json and http, which agentd needs; git is what coding agents work with.
PACKAGES = ("python3", "ca-certificates", "git")
LEFT_OUT = (
    "./var/cache/apt/archives/*.deb",
    "./var/lib/apt/lists/*",
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/locale/*",
)
DEBOOTSTRAP_S_MAX = 900.0  # a minute with a near mirror; a slow one is not worth more


def cache_dir() -> Path:
    """Return where downloads and bases are kept: AGENTCTL_CACHE, or ~/.cache/agentctl."""
    return Path(os.environ.get("AGENTCTL_CACHE") or Path.home() / ".cache" / "agentctl")


def recipe_hash() -> str:
    """Return 12 hexadecimal digits that change with all that decides the base's content."""
    recipe = "\n".join((SUITE, *PACKAGES, *LEFT_OUT, platform.machine()))
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def image_name() -> str:
    """Return the name that the base has in an engine; one name per recipe."""
    return f"agentctl/base:{recipe_hash()}"


def archive_path() -> Path:
    """Return where the base's root file system is kept as a tar archive."""
    return cache_dir() / "base" / f"{recipe_hash()}.tar.gz"


def can_make() -> bool:
    """Whether this account can run debootstrap (it needs root)."""
    return os.geteuid() == 0 and shutil.which("debootstrap") is not None


def archive(progress: Progress) -> Path:
    """Return the base's archive, made now unless it is kept already.

    Raises EngineRefused when debootstrap fails. AGENTCTL_DEBIAN_MIRROR names another mirror.
    """
    kept = archive_path()
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        progress(f"making a base image with debootstrap ({SUITE}: {', '.join(PACKAGES)}) …")
        # Beside its place: the rename that publishes it must not cross file systems.
        with tempfile.TemporaryDirectory(prefix="making-", dir=kept.parent) as scratch:
            made = _make(Path(scratch))
            made.rename(kept)
    return kept


def _make(scratch: Path) -> Path:
    root, made = scratch / "root", scratch / "base.tar.gz"
    _run(
        [
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
            SUITE,
            str(root),
            *filter(None, [os.environ.get("AGENTCTL_DEBIAN_MIRROR")]),
        ]
    )
    left_out = [f"--exclude={pattern}" for pattern in LEFT_OUT]
    _run(
        [
            "tar",
            "--numeric-owner",
            *left_out,
            "-I",
            "gzip -1",
            "-C",
            str(root),
            "-cf",
            str(made),
            ".",
        ]
    )
    return made


def _run(argv: list[str]) -> None:
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=DEBOOTSTRAP_S_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as cause:
        raise EngineRefused(f"cannot make a base image: {argv[0]}: {cause}") from cause
    if done.returncode != 0:
        last = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
        raise EngineRefused(
            f"cannot make a base image: {argv[0]} ended with {done.returncode}: {''.join(last)}"
        )
