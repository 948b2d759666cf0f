"""Another host on this machine: a real sshd with keys of its own, in front of a real engine of its own.

The operator's side is a real `ssh` whose configuration is the test's: a first `ssh` on the PATH
that names it. Nothing of this account's or this machine's ssh is read or changed.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
REQUIRED = os.environ.get("AGENTCTL_REQUIRE_ENGINE") == "1"
UP_S = 20.0
DOORS = Path("/run/agentctl-doors")

# A mount namespace of its own, so that this host's engine is where every host has it.
_SSHD = """mount --make-rprivate /
[ -z "$1" ] || mount --bind "$1" "$(readlink -f /var/run)/docker.sock"
exec "$2" -D -e -f "$3"
"""


_OWN_MOUNTS = ("unshare", "-m", "sh", "-euc", _SSHD, "sh")


class OtherHost:
    """`far1` to `far9` are its names; as `wrong-key` it shows another key than the known one."""

    def __init__(self, folder: Path, *, engine: "Path | None" = None) -> None:
        """Skips the test, or fails it where engines are required, unless we are root and have an sshd."""
        if os.geteuid() != 0 or SSHD is None or shutil.which("unshare") is None:
            words = "a host of its own needs root, openssh-server and util-linux"
            pytest.fail(words, pytrace=False) if REQUIRED else pytest.skip(words)
        self.folder, self._engine = folder, engine
        self.doors_of: set[str] = set()  # installations whose doors go with the host
        self.port = _free_port()
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ("host_key", "id", "other_id"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        (folder / "authorized_keys").write_text((folder / "id.pub").read_text())
        self._configure()
        self._sshd: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Let it answer."""
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own, on Debian
        assert SSHD is not None
        with (self.folder / "sshd.log").open("ab") as log:
            self._sshd = subprocess.Popen(
                [*_OWN_MOUNTS, str(self._engine or ""), SSHD, str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _until(lambda: _listens(self.port), "sshd")

    def stop(self) -> None:
        """Let it be gone: connections too, without a word."""
        if self._sshd is not None:
            for pid in _family(self._sshd.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._sshd.wait()
            self._sshd = None

    def end(self) -> None:
        """Let it be gone for good, with the doors on it."""
        self.stop()
        for installation in self.doors_of:
            shutil.rmtree(DOORS / installation[:12], ignore_errors=True)

    def know(self, key: str = "host_key") -> None:
        """Have the operator know it by that key."""
        public = (self.folder / f"{key}.pub").read_text()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}")

    @property
    def log(self) -> str:
        return (self.folder / "sshd.log").read_text(errors="replace")

    @property
    def logins(self) -> int:
        return self.log.count("Accepted publickey")

    def _configure(self) -> None:
        at = self.folder
        (at / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {at}/host_key\n"
            f"AuthorizedKeysFile {at}/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin prohibit-password\n"
        )
        shared = f"UserKnownHostsFile {at}/known_hosts\nGlobalKnownHostsFile none\n"
        place = f"HostName 127.0.0.1\nPort {self.port}\nIdentitiesOnly yes\nIdentityAgent none\n"
        # What an operator's configuration may say, and must not weaken anything.
        loose = "StrictHostKeyChecking no\nForwardAgent yes\nForwardX11 yes\nControlMaster auto\n"
        loose += f"ControlPath {at}/master-%C\nLogLevel QUIET\n"
        (at / "ssh_config").write_text(
            f"Host far*\n{place}IdentityFile {at}/id\n{shared}{loose}"
            f"Host nokey\n{place}IdentityFile {at}/other_id\n{shared}{loose}"
            f"Host *\n{shared}"
        )
        self.know()
        real = shutil.which("ssh")
        (self.bin / "ssh").write_text(f'#!/bin/sh\nexec {real} -F {at}/ssh_config "$@"\n')
        (self.bin / "ssh").chmod(0o755)


# A daemon without a bridge removes the one that it finds: it gets a network namespace to look in.
_NO_NETWORK = ("--bridge=none", "--iptables=false", "--ip6tables=false")


@contextmanager
def second_engine(folder: Path) -> Iterator[Path]:
    """Give the socket of a Docker Engine of its own: containers there have no network anyway."""
    door = folder / "docker.sock"
    own = {"--data-root": "data", "--exec-root": "exec", "--pidfile": "pid"}
    # In memory: 10,000 small files of an image are slow to write to a disk, and to remove.
    _run("mount", "-t", "tmpfs", "-o", "size=2g,mode=0700", "tmpfs", str(folder))
    words = [word for option, name in own.items() for word in (option, str(folder / name))]
    with (folder / "dockerd.log").open("wb") as log:
        dockerd = subprocess.Popen(
            ["unshare", "--net", "dockerd", "-H", f"unix://{door}", *words, *_NO_NETWORK],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _until(lambda: _answers(door), "the second engine")
        yield door
    finally:
        dockerd.terminate()
        dockerd.wait(30)
        _run("umount", "--recursive", "--lazy", str(folder))


def load(image: str, *, source: str, target: Path) -> None:
    """Copy an image from one engine (a URL) to another (a socket)."""
    saved = subprocess.Popen(["docker", "-H", source, "save", image], stdout=subprocess.PIPE)
    _run("docker", "-H", f"unix://{target}", "load", "-q", stdin=saved.stdout)
    assert saved.wait(60) == 0


def ssh_processes(*words: str) -> list[int]:
    """Return the pids of this account's ssh clients whose command line has all those words."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                line = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if line[0].endswith("ssh") and all(any(w in each for each in line) for w in words):
                    found.append(int(entry.name))
    return found


def _family(pid: int) -> list[int]:
    """Return a process and all that it started, first the oldest."""
    listed = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [pid, *(each for child in listed for each in _family(int(child)))]


def _run(*argv: str, stdin: object = subprocess.DEVNULL) -> None:
    subprocess.run(argv, stdin=stdin, check=True, capture_output=True, timeout=120)  # type: ignore[call-overload]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(door: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.settimeout(1.0)
            probe.connect(str(door))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in probe.recv(64)
        except OSError:
            return False


def _until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + UP_S
    while not look():
        assert time.monotonic() < deadline, f"{what} isn't up after {UP_S:g} s"
        time.sleep(0.05)
