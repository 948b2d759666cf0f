"""Task queues that users know, on a Redis that syncs every write, as bench.capacity's peers.

Celery and huey live in a virtual environment of their own, made once under
`${AGENTCTL_CACHE:-~/.cache/agentctl}/bench-venv`; redis-server is Debian's. What can't be had is
skipped, and said to be.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("AGENTCTL_CACHE") or Path.home() / ".cache" / "agentctl")
VENV = CACHE / "bench-venv"
PACKAGES = ("celery", "huey", "redis", "packaging")  # kombu needs the last and does not say so
ROOT = Path(__file__).resolve().parents[1]
BESIDE = ROOT / "bench" / "beside"
READY_S_MAX = 30.0
INSTALL_S_MAX = 300.0


def rates(tasks: int, workers: int) -> Iterator[tuple[str, float]]:
    """Yield (queue, round trips per second) for each; 0.0 for one that can't be had here."""
    python = _python()
    for name in ("celery", "huey"):
        if python is None or shutil.which("redis-server") is None:
            yield f"{name} (no redis-server, or no {VENV})", 0.0
            continue
        with tempfile.TemporaryDirectory(prefix="actl-peer-") as scratch, redis(scratch) as url:
            yield f"{name} + Redis, appendfsync always", rate(python, name, url, tasks, workers)


def _python() -> Path | None:
    """Return the virtual environment's interpreter, made if it isn't there; None when it can't be."""
    python = VENV / "bin" / "python"
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *PACKAGES,
    ]
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True, timeout=INSTALL_S_MAX)
        if subprocess.run([python, "-c", f"import {','.join(PACKAGES)}"], check=False).returncode:
            subprocess.run(install, check=True, timeout=INSTALL_S_MAX)
    except (OSError, subprocess.SubprocessError):
        return None
    return python


@contextmanager
def redis(scratch: str) -> Iterator[str]:
    """Run a Redis of our own on a Unix socket that has each write on the disk before it answers."""
    path = Path(scratch) / "redis.sock"
    settings = {
        "port": "0",
        "unixsocket": str(path),
        "dir": scratch,
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
    }
    given = [part for name, value in settings.items() for part in (f"--{name}", value)]
    server = subprocess.Popen(["redis-server", *given], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + READY_S_MAX
        while not _listens(path):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield str(path)
    finally:
        server.terminate()
        server.wait(10)


def _listens(path: Path) -> bool:
    """Whether somebody answers: the socket is there a moment before."""
    with socket.socket(socket.AF_UNIX) as tried:
        return tried.connect_ex(str(path)) == 0


def rate(python: Path, name: str, path: str, tasks: int, workers: int) -> float:
    """Return tasks per second from the first submit to the last result, by as many submitters."""
    environ = {**os.environ, "PEER_REDIS": path, "PYTHONPATH": str(ROOT)}
    worker = subprocess.Popen(
        [python, BESIDE / f"{name}_peer.py", "work", str(workers)],
        env=environ,
        cwd=Path(path).parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        drive: list[str | Path] = [
            python,
            BESIDE / f"{name}_peer.py",
            "drive",
            str(tasks),
            str(workers),
        ]
        found = subprocess.run(
            drive, env=environ, capture_output=True, text=True, check=True, timeout=600
        )
        return float(found.stdout.split()[-1])
    finally:
        worker.terminate()
        try:
            worker.wait(30)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait(30)
