"""A small internet in a network and mount namespace of its own: addresses, a name server, HTTPS servers.

Run as `unshare --net --mount python -m tests.fakes.internet FOLDER`. It prints "ready", and ends
with its standard input. Who enters its namespaces resolves names by `FOLDER/zones.json`: each
name has a list of answers, one for each time it is asked for, the last one for ever. All that
was asked and hit stands in `FOLDER/seen`.
"""

import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

from tests.fakes.https_site import https_site, lines_into

PUBLIC = "93.184.215.14"
PRIVATE = "10.20.0.5"
FORBIDDEN = "127.0.0.1"
A, AAAA = 1, 28
NO_ERROR, NO_NAME = 0, 3


def main(folder: Path) -> None:
    """Set the namespaces up and serve until standard input ends."""
    _run("ip", "link", "set", "lo", "up")
    for address in (PUBLIC, PRIVATE):
        _run("ip", "address", "add", f"{address}/32", "dev", "lo")
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\n"), ("hosts", "")):
        (folder / name).write_text(text)
        _run("mount", "--bind", str(folder / name), f"/etc/{name}")
    seen = lines_into(folder / "seen")
    with ExitStack() as stack:
        for address in (PUBLIC, PRIVATE, FORBIDDEN):
            stack.enter_context(
                https_site(folder, (address, 443), lambda where, path: seen("hit", where, path))
            )
        names = NameServer(folder / "zones.json", lambda name: seen("name", name))
        threading.Thread(target=names.serve, daemon=True).start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


class NameServer:
    """Answers A and AAAA over UDP (RFC 1035 §4.1), by the zones as they stand when it is asked."""

    def __init__(self, zones: Path, asked: Callable[[str], None]) -> None:
        self._zones = zones
        self._asked = asked
        self._times: dict[tuple[str, int], int] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))

    def serve(self) -> None:
        """Answer for as long as the process lives."""
        while True:
            question, asker = self._socket.recvfrom(512)
            self._socket.sendto(self._answer(question), asker)

    def _answer(self, question: bytes) -> bytes:
        name, kind, end = _question(question)
        answers = json.loads(self._zones.read_text()).get(name)
        if kind == A:
            self._asked(name)
        if answers is None:
            return _packet(question, end, NO_NAME, [])
        at = self._times.get((name, kind), 0)
        self._times[name, kind] = at + 1
        addresses = [ip_address(each) for each in answers[min(at, len(answers) - 1)]]
        version = {A: 4, AAAA: 6}.get(kind)
        return _packet(
            question, end, NO_ERROR, [each.packed for each in addresses if each.version == version]
        )


def _question(packet: bytes) -> tuple[str, int, int]:
    """Return the name in lower case, the type, and where the question ends."""
    labels, at = [], 12
    while length := packet[at]:
        labels.append(packet[at + 1 : at + 1 + length].decode())
        at += 1 + length
    (kind,) = struct.unpack_from("!H", packet, at + 1)
    return ".".join(labels).lower(), kind, at + 5


def _packet(question: bytes, end: int, code: int, found: list[bytes]) -> bytes:
    head = question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(found), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", A if len(each) == 4 else AAAA, 1, 0, len(each)) + each
        for each in found
    )
    return head + question[12:end] + records


def _run(*words: str) -> None:
    subprocess.run(words, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
