"""What engine tests run in place of agentd: it takes the boot document and does what its "do" list says.

Each line it prints is one fact. Then it waits for SIGTERM.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    document = json.loads(sys.stdin.buffer.read() or b"{}")
    if not document:
        sys.exit(2)
    say("booted", document["instance"])
    for step in document.get("do", ()):
        verb, _, value = step.partition(":")
        STEPS[verb](document, value)
    while True:
        signal.pause()


def say(*words: object) -> None:
    sys.stdout.write(" ".join(str(each) for each in words) + "\n")
    sys.stdout.flush()


def leave(_document: dict[str, Any], code: str) -> None:
    sys.exit(int(code))


def be_deaf(_document: dict[str, Any], _value: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("deaf")


def call_hub(document: dict[str, Any], _value: str) -> None:
    with socket.socket(socket.AF_UNIX) as hub:
        hub.connect(document["hub_socket"])
        say("hub said", hub.recv(64).decode(), "to", os.getuid())


def write(_document: dict[str, Any], path: str) -> None:
    try:
        Path(path).write_text("here")
        say("wrote", path)
    except OSError as why:
        say("cannot write", path, why.strerror)


def keep(document: dict[str, Any], name: str) -> None:
    (Path(document["workspace"]) / name).write_text(document["instance"])
    say("kept", name)


def show_kept(document: dict[str, Any], name: str) -> None:
    path = Path(document["workspace"]) / name
    say("found", path.read_text() if path.exists() else "nothing")


def hide_secret(document: dict[str, Any], name: str) -> None:
    path = Path(document["secrets_dir"]) / name
    path.write_text(document["secrets"][name])
    path.chmod(0o400)
    say("secret kept")


def run_child(_document: dict[str, Any], _value: str) -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    say("child", child.pid)


def show_status(_document: dict[str, Any], _value: str) -> None:
    wanted = ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "Uid")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.partition(":")[0] in wanted:
            say(*line.split())
    say("pid", os.getpid())
    say("networks", *sorted(name for _, name in socket.if_nameindex()))


def show_environment(_document: dict[str, Any], _value: str) -> None:
    say("environment", *sorted(os.environ))


STEPS = {
    "exit": leave,
    "deaf": be_deaf,
    "hub": call_hub,
    "write": write,
    "keep": keep,
    "kept": show_kept,
    "secret": hide_secret,
    "child": run_child,
    "status": show_status,
    "environment": show_environment,
}

if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
