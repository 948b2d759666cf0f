"""A backup of the state while the hub goes on: asked by an admin on this machine, to a new directory.

It holds the store, the installation's id and a signed checkpoint with the public keys; never a private
key. Source: docs/decisions/0010-journal-and-state.md, docs/recovery.md.
"""

import json
import stat
from pathlib import Path
from typing import Any

from agentctl.errors import AgentctlError, Conflict, InputError, Refused
from agentctl.model.principal import OperatorPrincipal, Peer
from agentctl.service import checkpoints
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.service.roles import ADMINS, require_role
from agentctl.store import journal as journal_table
from agentctl.store.backup import CHECKPOINT_FILE, INSTALLATION_FILE

PATH_CHARS_MAX = 1000


def make(hub: Hub, who: OperatorPrincipal, peer: Peer, directory: str) -> dict[str, Any]:
    """Write a backup to the new directory, mode 0700; return where it is and the line it goes up to.

    Raises Refused (no admin, or not on operator.sock), InputError (not an absolute path with a
    parent that is there), Conflict (it exists), StoreUnavailable (it can't be written). Intent and
    outcome are journaled; the backup holds the intent's line.
    """
    require_role(who, ADMINS, "make backups")
    if peer.uid < 0:
        raise Refused(
            "backups are asked for on operator.sock alone: they name a path on the hub's machine",
            rule="operator-socket",
        )
    target = _target(directory)
    principal = f"operator:{who.name}"
    _note(hub, "began", principal, target)
    signed = checkpoints.make(hub)
    assert signed is not None  # the line just written is there to be signed
    document = checkpoints.document(hub, signed)
    try:
        hub.store.backup(
            target,
            {
                INSTALLATION_FILE: hub.installation.encode(),
                CHECKPOINT_FILE: json.dumps(document, indent=2).encode() + b"\n",
            },
        )
    except AgentctlError as why:
        _note(hub, "failed", principal, target, reason=why.detail)
        raise
    _note(hub, "made", principal, target, line=str(signed.checkpoint.seq))
    with hub.store.read() as txn:
        head = journal_table.head(txn)
    return {
        "directory": str(target),
        "checkpoint": {"seq": signed.checkpoint.seq, "hash": signed.checkpoint.hash},
        "head": {"seq": head.seq, "hash": head.hash},
    }


def _target(directory: str) -> Path:
    """Return the path, free of `.` and `..`; raises InputError, Conflict."""
    target = Path(directory)
    plain = target.is_absolute() and str(target) == directory.rstrip("/") and target.name
    if not plain or ".." in target.parts or "\0" in directory or len(directory) > PATH_CHARS_MAX:
        raise _wrong(f"{directory[:PATH_CHARS_MAX]!r} is no plain absolute path")
    try:
        parent = target.parent.stat()
        if target.exists() or target.is_symlink():
            raise Conflict(f"{target} exists already", hint="name a directory that doesn't")
    except OSError as cause:
        raise _wrong(f"{target.parent} can't be used: {cause.strerror}") from cause
    if not stat.S_ISDIR(parent.st_mode):
        raise _wrong(f"{target.parent} is no directory")
    return target


def _wrong(what: str) -> InputError:
    return InputError(
        what,
        hint="name a new directory in one that is there and that the hub's account may write",
        fields=[("/directory", what)],
    )


def _note(hub: Hub, event: str, who: str, target: Path, **facts: str) -> None:
    subject = str(target)
    hub.store.write(
        lambda txn: note(hub, txn, f"state.backup.{event}", who=who, subject=subject, **facts)
    )
