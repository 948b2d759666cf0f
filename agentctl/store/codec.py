"""Records as bytes: JSON of frozen dataclasses, sealed by a checksum over table, key and value."""

from hashlib import blake2b
from typing import Generic, TypeVar

import msgspec

from agentctl.errors import StateDamaged
from agentctl.store.txn import Table

CHECKSUM_BYTES = 8  # against flipped bits and misplaced records, not against forgers: 1 in 2^64

T = TypeVar("T")


def seal(table: Table, key: bytes, value: bytes) -> bytes:
    """Return `value` with its checksum in front, as it is stored."""
    return _checksum(table, key, value) + value


def unseal(table: Table, key: bytes, stored: bytes) -> bytes:
    """Return the value of a stored record; raises StateDamaged when its checksum doesn't match."""
    value = stored[CHECKSUM_BYTES:]
    if _checksum(table, key, value) != stored[:CHECKSUM_BYTES]:
        raise RecordDamaged(table, key, "its checksum doesn't match")
    return value


class RecordDamaged(StateDamaged):
    """One record can't be used; `table` and `key` say which, so that a check can go on behind it."""

    def __init__(self, table: Table, key: bytes, why: str) -> None:
        shown = key.decode("ascii", "backslashreplace").replace("\0", "/")
        super().__init__(
            f"record {shown!r} of table {table} is damaged: {why}",
            hint="check the disk and run `agentctl state verify`: docs/recovery.md",
        )
        self.table = table
        self.key = key


def _checksum(table: Table, key: bytes, value: bytes) -> bytes:
    hashed = _BEGUN[table].copy()
    # The key's length comes first: key and value can't trade bytes unseen.
    hashed.update(b"%d:%b%b" % (len(key), key, value))
    return hashed.digest()


_BEGUN = {table: blake2b(digest_size=CHECKSUM_BYTES, person=table.encode()[:16]) for table in Table}


class Codec(Generic[T]):
    """Encodes one kind of record; the decoder is built once, and checks every field's type."""

    __slots__ = ("_decode", "_encode", "_table")

    def __init__(self, table: Table, kind: type[T]) -> None:
        self._table = table
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(kind).decode

    def encode(self, record: T) -> bytes:
        return self._encode(record)

    def decode(self, key: bytes, value: bytes) -> T:
        """Return the record; raises StateDamaged when it isn't one of this kind."""
        try:
            return self._decode(value)
        except msgspec.DecodeError as cause:
            raise RecordDamaged(
                self._table, key, "it isn't of the form this version writes"
            ) from cause


def decoded(codec: Codec[T], key: bytes, value: bytes | None) -> T | None:
    """Return the record of `value`, or None for None."""
    return None if value is None else codec.decode(key, value)
