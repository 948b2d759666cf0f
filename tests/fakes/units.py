"""The systemd files of `agentctl units`, read for tests: who runs what, in which groups, with which words."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentctl.cli.units import rendered


def written(below: Path, *, program: Path) -> None:
    """Write the files below a machine's /etc."""
    for name, content in rendered(program=program).items():
        (below / name).parent.mkdir(parents=True, exist_ok=True)
        (below / name).write_text(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One process: its account, the groups that it is in beside its own, and agentctl's words."""

    account: str
    groups: tuple[str, ...]
    words: tuple[str, ...]


def units() -> dict[str, Unit]:
    """Return the process of each service by its name: hub, gateway, …"""
    files = rendered(program=Path("/agentctl"))
    members = [
        line.split()[1:]
        for line in files["sysusers.d/agentctl.conf"].splitlines()
        if line[:2] == "m "
    ]
    found = {}
    for name, text in files.items():
        if service := re.fullmatch(r"systemd/system/agentctl-(\w+)\.service", name):
            account = _value(text, "User")
            found[service[1]] = Unit(
                account=account,
                groups=tuple(group for user, group in members if user == account),
                words=tuple(shlex.split(_value(text, "ExecStart"))[1:]),
            )
    return found


def directories(runtime: Path) -> Iterator[tuple[Path, int, str, str]]:
    """Yield the directories of sockets as they are made at boot: path, mode, owner, group."""
    text = rendered(program=Path("/agentctl"), runtime=str(runtime))["tmpfiles.d/agentctl.conf"]
    for line in text.splitlines():
        if line.startswith("d "):
            _, path, mode, owner, group, _ = line.split()
            yield Path(path), int(mode, 8), owner, group


def _value(text: str, key: str) -> str:
    found = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
    assert found, key
    return found[1]
