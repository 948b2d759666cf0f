"""`agentctl plan` can't write: the engine is asked GETs alone, and no file is written but the cache's."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentctl.cli import run

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]
REQUEST = re.compile(rb"(?:^|\r\n\r\n)([A-Z]+) (\S+) HTTP/1\.[01]\r\n")

# Prints, as JSON on stderr's last line, every path that the process opened for writing or changed.
WATCHED = """
import json, os, sys
touched = []
def hook(event, args):
    if event == "open" and (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
        touched.append(str(args[0]))
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink",
                   "os.truncate", "os.chmod", "os.chown", "os.utime"):
        touched.append(str(args[0]))
sys.addaudithook(hook)
from agentctl.cli import run
code = run(sys.argv[1:])
print(json.dumps(touched), file=sys.stderr)
sys.exit(code)
"""


class RecordingProxy:
    """Passes bytes between a Unix socket of its own and the engine's, and keeps what clients said."""

    def __init__(self, path: Path, engine: str) -> None:
        self.path, self._engine = path, engine
        self._said: list[bytearray] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(16)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(self._engine)
                said = bytearray()
                self._said.append(said)
                for one, other, kept in ((client, upstream, said), (upstream, client, None)):
                    threading.Thread(target=_copy, args=(one, other, kept), daemon=True).start()

    @property
    def requests(self) -> list[str]:
        """Return every request's method and path, the query left out."""
        return [
            f"{method.decode()} {target.decode().partition('?')[0]}"
            for said in self._said
            for method, target in REQUEST.findall(bytes(said))
        ]

    def close(self) -> None:
        self._listener.close()


def _copy(source: socket.socket, target: socket.socket, kept: "bytearray | None") -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if kept is not None:
                kept += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(tmp_path: Path, docker_url: str) -> Iterator[RecordingProxy]:
    proxy = RecordingProxy(tmp_path / "engine.sock", docker_url.removeprefix("unix://"))
    yield proxy
    proxy.close()


@pytest.fixture
def project(tmp_path: Path, proxy: RecordingProxy) -> Path:
    assert run(["init", str(tmp_path / "fleet")]) == 0
    inventory = tmp_path / "fleet/inventory.yaml"
    text = inventory.read_text()
    inventory.write_text(text.replace("unix:///var/run/docker.sock", f"unix://{proxy.path}"))
    return tmp_path / "fleet"


def planned(tmp_path: Path, project: Path) -> "subprocess.CompletedProcess[str]":
    common = ["--project", str(project), "--state", str(tmp_path / "state"), "-o", "json"]
    return subprocess.run(
        [sys.executable, "-c", WATCHED, "plan", *common],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "AGENTCTL_CACHE": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_plan_asks_the_engine_gets_alone_and_writes_no_file_but_its_cache(
    tmp_path: Path, project: Path, proxy: RecordingProxy
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/installation").write_text("none-of-these\n")
    ended = planned(tmp_path, project)
    document = json.loads(ended.stdout)
    assert document["changes"]["create"] == 4  # so it did look, and found none of ours
    assert proxy.requests == ["GET /containers/json", "GET /version"]
    touched = json.loads(ended.stderr.splitlines()[-1])
    assert touched, "the compiled state is kept: nothing at all would mean that nobody looked"
    assert all(each.startswith(str(tmp_path / "cache")) for each in touched)
    assert sorted(each.name for each in (tmp_path / "state").iterdir()) == ["installation"]


def test_the_second_plan_of_the_same_files_writes_nothing_at_all(
    tmp_path: Path, project: Path
) -> None:
    planned(tmp_path, project)
    assert json.loads(planned(tmp_path, project).stderr.splitlines()[-1]) == []


def test_the_recorder_sees_what_is_no_get(docker_url: str, proxy: RecordingProxy) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(proxy.path))
        client.sendall(b"POST /containers/none-of-these/stop HTTP/1.0\r\nHost: e\r\n\r\n")
        while client.recv(4096):
            pass
    assert proxy.requests == ["POST /containers/none-of-these/stop"]
