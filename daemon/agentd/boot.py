"""The boot document: JSON on standard input up to its end, read once and parsed strictly.

Shape: schemas/wire/boot.schema.json. It holds the instance token and the
agent's secrets, so no error of this module repeats a value.
"""

import base64
import binascii
import os
import re
import select
import time
from dataclasses import dataclass, field

from agentd.strict_json import Malformed, Reader, loads

WAIT_S = 30.0  # a container that nobody boots must not linger
BOOT_BYTES_MAX = 16 * 1024 * 1024  # 64 secrets of 192 KiB in base64, and the rest
_CHUNK_BYTES = 1 << 16
_VERSION = 1
_EXECUTORS = ("claude-code", "messages-api", "command")
_SECRET_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")  # one path segment, never . or ..


class BootError(Exception):
    """No usable boot document; the message is one line for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The model backend that was fixed at this container's birth."""

    name: str
    kind: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorSettings:
    """What runs a task: `args` go to the CLI, `argv` is the whole command of kind `command`."""

    kind: str
    args: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """Who this instance is, where its hub is, what it runs. Times in seconds."""

    fleet: str
    agent: str
    instance: str
    instance_token: str = field(repr=False)
    hub_socket: str
    llm_socket: str
    egress_socket: str  # "" where the agent declares no egress
    provider: Provider
    executor: ExecutorSettings
    ttl_s: float
    grace_s: float
    heartbeat_s: float
    slots: int
    workspace: str
    secrets_dir: str
    secrets: dict[str, bytes] = field(repr=False)


def read_document(fd: int, *, wait_s: float = WAIT_S) -> bytes:
    """Return all that stands on `fd` up to its end; BootError when it doesn't end in `wait_s`."""
    deadline_s = time.monotonic() + wait_s
    read = bytearray()
    while True:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or not select.select([fd], [], [], left_s)[0]:
            raise BootError(
                f"no whole boot document arrived on standard input within {wait_s:.0f} s "
                f"({len(read)} bytes did); write it and close standard input"
            )
        chunk = os.read(fd, _CHUNK_BYTES)
        if not chunk:
            return bytes(read)
        read += chunk
        if len(read) > BOOT_BYTES_MAX:
            raise BootError(f"the boot document is over {BOOT_BYTES_MAX} bytes")


def parse(document: bytes) -> Boot:
    """Return the boot document as a value; BootError names the field that is wrong."""
    if not document.strip():
        raise BootError("standard input ended without a boot document")
    try:
        return _boot(Reader(loads(document), "boot document"))
    except Malformed as wrong:
        raise BootError(f"the boot document can't be used: {wrong}") from None


def _boot(doc: Reader) -> Boot:
    version = doc.integer("version")
    if version != _VERSION:
        raise Malformed(f"/version is {version}, this agentd reads {_VERSION}")
    boot = Boot(
        fleet=doc.text("fleet"),
        agent=doc.text("agent"),
        instance=doc.text("instance"),
        instance_token=doc.text("instance_token"),
        hub_socket=_absolute(doc, "hub_socket"),
        llm_socket=_absolute(doc, "llm_socket"),
        egress_socket=_absolute(doc, "egress_socket") if doc.has("egress_socket") else "",
        provider=_provider(doc.inner("provider")),
        executor=_executor(doc.inner("executor")),
        ttl_s=doc.number("ttl_s", above=0),
        grace_s=doc.number("grace_s"),
        heartbeat_s=doc.number("heartbeat_s", above=0),
        slots=doc.integer("slots", least=1),
        workspace=_absolute(doc, "workspace"),
        secrets_dir=_absolute(doc, "secrets_dir"),
        secrets=_secrets(doc.inner("secrets")),
    )
    doc.done()
    return boot


def _absolute(doc: Reader, name: str) -> str:
    path = doc.text(name)
    if not path.startswith("/"):
        raise Malformed(f"/{name} is not an absolute path")
    return path


def _provider(doc: Reader) -> Provider:
    provider = Provider(name=doc.text("name"), kind=doc.text("kind"), model=doc.text("model"))
    doc.done()
    return provider


def _executor(doc: Reader) -> ExecutorSettings:
    settings = ExecutorSettings(
        kind=doc.text("kind"), args=doc.texts("args"), argv=doc.texts("argv")
    )
    doc.done()
    if settings.kind not in _EXECUTORS:
        raise Malformed(f"{doc.at}/kind is none of {', '.join(_EXECUTORS)}")
    if settings.kind == "command" and not settings.argv:
        raise Malformed(f"{doc.at}/argv is empty; an executor of kind command needs one")
    return settings


def _secrets(doc: Reader) -> dict[str, bytes]:
    decoded: dict[str, bytes] = {}
    for name in doc.names():
        if not _SECRET_NAME.fullmatch(name):
            raise Malformed(f"{doc.at} has a name that can't be a file's")
        try:
            decoded[name] = base64.b64decode(doc.text(name, empty=True), validate=True)
        except binascii.Error:
            raise Malformed(f"{doc.at}/{name} is not base64") from None
    return decoded
