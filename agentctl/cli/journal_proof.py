"""What proves a journal's lines: checkpoints, as numbers on the command line or as signed files."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain as chained
from pathlib import Path
from typing import Any

import click

from agentctl.errors import StateDamaged
from agentctl.model.chain import Head, first_break
from agentctl.model.journal import Line

FILE_BYTES_MAX = 1024 * 1024
_PLAIN = re.compile(r"(\d{1,16}):([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class Proof:
    """Hashes of lines that are known from elsewhere, and how far retention may have taken lines away."""

    hashes: dict[int, str] = field(default_factory=dict)
    retired_through: int = 0
    signed: int = 0
    installation: str = ""

    def __or__(self, other: "Proof") -> "Proof":
        for seq in self.hashes.keys() & other.hashes.keys():
            if self.hashes[seq] != other.hashes[seq]:
                raise StateDamaged(
                    f"two checkpoints of line {seq} differ: the journal was written anew"
                )
        named = {self.installation, other.installation} - {""}
        if len(named) > 1:
            raise StateDamaged(f"checkpoints of several installations: {', '.join(sorted(named))}")
        return Proof(
            {**self.hashes, **other.hashes},
            max(self.retired_through, other.retired_through),
            self.signed + other.signed,
            "".join(named),
        )


@dataclass(frozen=True, slots=True)
class Verified:
    """What held: how many lines, the first one's number, the newest one's place and hash."""

    count: int
    first: int
    head: Head


def given(texts: Sequence[str], bundle: Mapping[str, Any] | None) -> Proof:
    """Return what the command line gives as proof: `SEQ:HASH`, or files that `journal checkpoint` wrote.

    Raises StateDamaged when a signature doesn't verify, click.BadParameter for what is neither.
    """
    proof = Proof()
    for text in texts:
        plain = _PLAIN.fullmatch(text)
        found = (
            Proof({int(plain[1]): plain[2].lower()})
            if plain
            else from_document(read_document(text), bundle)
        )
        proof = proof | found
    return proof


def from_document(document: Mapping[str, Any], bundle: Mapping[str, Any] | None) -> Proof:
    """Return the proof of one signed checkpoint, by the keys of `bundle`, else by those beside it."""
    from agentctl.identity import checkpoints  # the one place here that needs cryptography

    if not isinstance(document.get("jws"), str):
        raise click.BadParameter(
            "a checkpoint has a member `jws`: see `agentctl journal checkpoint`"
        )
    keys = checkpoints.keys_of(bundle if bundle is not None else document)
    found = checkpoints.read(document["jws"], keys)
    shown = {name: document[name] for name in ("seq", "hash") if name in document}
    if any(getattr(found, name) != value for name, value in shown.items()):
        raise StateDamaged("the checkpoint says something else than its signature covers")
    return Proof({found.seq: found.hash}, found.retired_through, 1, found.installation)


def from_hub(page: Mapping[str, Any], bundle: Mapping[str, Any] | None) -> tuple[Proof, int]:
    """Return the proof of a hub's own checkpoints, and how many name a key that isn't known any more."""
    from agentctl.identity import checkpoints

    known = checkpoints.keys_of(bundle if bundle is not None else page)
    proof, unknown = Proof(), 0
    for each in page["checkpoints"]:
        if checkpoints.signed_by(each["jws"]) in known:
            proof = proof | from_document(each, bundle if bundle is not None else page)
        else:
            unknown += 1
    return proof, unknown


def read_document(name: str) -> Mapping[str, Any]:
    """Return the JSON object in a file; raises click.BadParameter when there is none."""
    try:
        raw = Path(name).read_bytes()[: FILE_BYTES_MAX + 1]
        found = json.loads(raw) if len(raw) <= FILE_BYTES_MAX else None
    except (OSError, ValueError) as cause:
        raise click.BadParameter(
            f"{name!r} is neither SEQ:HASH nor a readable JSON file ({cause})"
        ) from cause
    if not isinstance(found, dict):
        raise click.BadParameter(f"{name!r} holds no JSON object of at most {FILE_BYTES_MAX} bytes")
    return found


def check(lines: Iterable[Line], proof: Proof, *, head: Head | None = None) -> Verified:
    """Check lines against each other and the proof; raises StateDamaged at the first that can't be trusted.

    `head` is the journal's newest line where it is known: with it a cut-off end is found too.
    """
    seen = _Seen()
    found = iter(seen.all(lines))
    first = next(found, None)
    start = _start(first, proof)
    later = {seq: each for seq, each in proof.hashes.items() if seq > start.seq}
    ahead = [first] if first is not None else []
    broken = first_break(chained(ahead, found), after=start, checkpoints=later, head=head)
    if broken:
        raise StateDamaged(
            f"the journal is broken at {broken}",
            hint="keep it as it is, and compare it with an export or a backup made earlier",
        )
    return Verified(seen.count, first.seq if first is not None else 0, seen.head)


class _Seen:
    """Counts lines on their way through, and remembers the newest."""

    def __init__(self) -> None:
        self.count = 0
        self.head = Head()

    def all(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            self.head, self.count = Head(seq=line.seq, hash=line.hash), self.count + 1
            yield line


def _start(first: Line | None, proof: Proof) -> Head:
    """Return what the first line follows: nothing, a known line, or one that retention took away.

    In the last case its own word stands for the hash of the line before; a checkpoint of a
    later line covers it through the chain.
    """
    if first is None:
        return Head()
    before = first.seq - 1
    if before in proof.hashes:
        return Head(seq=before, hash=proof.hashes[before])
    if 0 < before <= proof.retired_through:
        return Head(seq=before, hash=first.previous)
    return Head()
