"""The files of the signing keys. Each says itself which in the row it is: the last one signs.

`svid-KID.pem` verifies, `next-KID.pem` is a rotation that isn't in force yet, `retired-KID.pem` is
the public half of a key that is gone. A file's own times mean nothing: clocks are set back, and
directories are copied and restored.
Source: docs/decisions/0025-key-rotation.md.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agentctl.errors import StateDamaged, Unavailable
from agentctl.identity import keyfile
from agentctl.identity.jwk import thumbprint

SEQUENCE_MAX = 10**9  # a rotation a second for thirty years
UNNUMBERED = 0  # beside numbered keys it is an older one, and never signs

_NAME = re.compile(r"(svid|next|retired)-([A-Za-z0-9_-]{43})\.pem")
# Text before the key itself is allowed in PEM (RFC 7468 §2), and readers pass over it.
_RECORD = re.compile(rb"Sequence: ([1-9][0-9]{0,8})\nMade: ([0-9]{1,11})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key, which in the row it is, and when it was made (wall clock; 0: nobody knows)."""

    kid: str
    sequence: int
    made_at_s: float
    private: ec.EllipticCurvePrivateKey


def opened(folder: Path, *, recorded: str, now_s: float) -> list[SigningKey]:
    """Return the keys in the order they were made, the one that signs last; the first start makes one.

    `recorded` is the `kid` that signs by the hub's own record ("" before there is one). A rotation
    on record that a crash kept from being in force is put in force, one that isn't is forgotten.
    Where the files know nothing of the recorded key they are older than it, as from a backup: a
    new one signs, since the one before may have been rotated away for a reason.
    Raises ConfigError when others may read a key, StateDamaged when a file isn't one.
    """
    _settle(folder, recorded)
    found = _numbered(folder, [_load(path) for path in _named(folder, "svid") if _kept(path)])
    known = {each.kid for each in found} | {_kid_of(path) for path in _named(folder, "retired")}
    if not found or (recorded and recorded not in known):
        last = max((each.sequence for each in found), default=0)
        new = _made(sequence=last + 1, now_s=now_s)
        keyfile.create(_path(folder, "svid", new.kid), _pem(new))
        found = [_load(path) for path in _named(folder, "svid")]
    return sorted(found, key=lambda each: (each.sequence, each.kid))


def prepare(folder: Path, keys: Sequence[SigningKey], *, now_s: float) -> SigningKey:
    """Return a new key that follows `keys`, whole on disk and not in force. Raises Unavailable."""
    new = _made(sequence=max(each.sequence for each in keys) + 1, now_s=now_s)
    with _room(folder):
        keyfile.create(_path(folder, "next", new.kid), _pem(new))
    return new


def publish(folder: Path, kid: str) -> None:
    """Put a prepared key in force: one rename."""
    keyfile.rename(_path(folder, "next", kid), _path(folder, "svid", kid))


def discard(folder: Path, kid: str) -> None:
    """Forget a prepared key."""
    _path(folder, "next", kid).unlink(missing_ok=True)


def retire(folder: Path, key: SigningKey) -> None:
    """Keep the public half of a key: from then on it is retired. Raises Unavailable."""
    pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with _room(folder):
        keyfile.create(_path(folder, "retired", key.kid), pem)


def forget(folder: Path, kid: str) -> None:
    """Delete the private half of a retired key."""
    _path(folder, "svid", kid).unlink(missing_ok=True)


def past(folder: Path) -> dict[str, ec.EllipticCurvePublicKey]:
    """Return the public halves of retired keys by `kid`; a file that is none is StateDamaged."""
    found = {}
    for path in _named(folder, "retired"):
        try:
            key = serialization.load_pem_public_key(keyfile.read(path))
        except (ValueError, UnsupportedAlgorithm) as cause:
            raise StateDamaged(f"{path} is not a public key", hint="remove it") from cause
        if isinstance(key, ec.EllipticCurvePublicKey):
            found[thumbprint(key)] = key
    return found


@contextlib.contextmanager
def _room(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        raise Unavailable(
            f"no key can be written to {folder}: {cause.strerror}",
            hint="make room on its disk and try again; the keys there are go on as they are",
        ) from cause


def _settle(folder: Path, recorded: str) -> None:
    for path in _named(folder, "next"):
        kid = _kid_of(path)
        if kid == recorded:
            publish(folder, kid)
        else:
            discard(folder, kid)


def _kept(path: Path) -> bool:
    """Whether a key may verify; one that is retired is deleted, however its file came (back) here."""
    if not _path(path.parent, "retired", _kid_of(path)).exists():
        return True
    forget(path.parent, _kid_of(path))
    return False


def _numbered(folder: Path, found: list[SigningKey]) -> list[SigningKey]:
    """Number the keys from before keys had numbers, once: by their files' times, all there is to go by.

    The newest is written first: after a crash in between, those still unnumbered are older ones.
    """
    if not found or any(each.sequence for each in found):
        return found
    in_order = sorted(found, key=lambda each: (each.made_at_s, each.kid))
    numbered = [replace(each, sequence=at) for at, each in enumerate(in_order, start=1)]
    with contextlib.suppress(OSError):  # a full disk is no reason not to start: next time, then
        for each in reversed(numbered):
            keyfile.replace(_path(folder, "svid", each.kid), _pem(each))
    return numbered


def _load(path: Path) -> SigningKey:
    hint = "restore it from a backup, or remove it and restart the hub: agents get new SVIDs"
    content = keyfile.read(path)
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise StateDamaged(f"{path} is not a private key", hint=hint) from cause
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise StateDamaged(f"{path} is not a P-256 key", hint=hint)
    if thumbprint(key.public_key()) != _kid_of(path):
        raise StateDamaged(f"{path} holds another key than its name says", hint=hint)
    record = _RECORD.match(content)
    sequence, made_at_s = (
        (int(record[1]), float(record[2])) if record else (UNNUMBERED, path.stat().st_mtime)
    )
    return SigningKey(kid=_kid_of(path), sequence=sequence, made_at_s=made_at_s, private=key)


def _made(*, sequence: int, now_s: float) -> SigningKey:
    if sequence > SEQUENCE_MAX:
        raise StateDamaged(f"a signing key can't have the number {sequence}")
    private = ec.generate_private_key(ec.SECP256R1())
    kid = thumbprint(private.public_key())
    return SigningKey(kid=kid, sequence=sequence, made_at_s=float(int(now_s)), private=private)


def _pem(key: SigningKey) -> bytes:
    pem = key.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return b"Sequence: %d\nMade: %d\n" % (key.sequence, int(key.made_at_s)) + pem


def _named(folder: Path, what: str) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        name = _NAME.fullmatch(path.name)
        if name is not None and name[1] == what:
            yield path


def _path(folder: Path, what: str, kid: str) -> Path:
    return folder / f"{what}-{kid}.pem"


def _kid_of(path: Path) -> str:
    return path.stem.partition("-")[2]
