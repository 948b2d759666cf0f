"""Keys whose byte order is the order wanted: text parts end with NUL, numbers are big-endian."""

from hashlib import sha256

TEXT_BYTES_MAX = 120  # three such parts and a number fit LMDB's 511 bytes
NUMBER_BYTES = 8
_MIDDLE = 1 << 63  # makes signed numbers sort as unsigned ones
_HASHED = b"\xff"  # not UTF-8: no plain part can begin with it


def text(*parts: str) -> bytes:
    """Return a key of text parts, each ended by NUL, so that ("a", "b") and ("ab", "") differ.

    A part that is too long, or holds a NUL itself, stands as its SHA-256: such
    parts are equal when they are the same, but no longer ordered.
    """
    return _part(parts[0]) if len(parts) == 1 else b"".join(map(_part, parts))


def number(value: int) -> bytes:
    """Return a key part that orders numbers from 0 to 2^64-1."""
    return value.to_bytes(NUMBER_BYTES)


def descending(value: int) -> bytes:
    """Return a key part that orders signed numbers from high to low."""
    return number(_MIDDLE - 1 - value)


def moment(seconds: float) -> bytes:
    """Return a key part that orders times, to the millisecond; those before 1970 stand first together."""
    return number(min(max(int(seconds * 1000), 0), _MIDDLE))


def number_of(part: bytes) -> int:
    """Return the number of a part made by `number`."""
    return int.from_bytes(part)


def last_text(key: bytes) -> str:
    """Return the last part of a key of text parts alone."""
    return key[:-1].rpartition(b"\0")[2].decode()


def successor(prefix: bytes) -> bytes | None:
    """Return the smallest key that sorts after all keys with `prefix`; None when there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


def _part(value: str) -> bytes:
    if value.isascii() and len(value) <= TEXT_BYTES_MAX and "\0" not in value:
        return value.encode() + b"\0"  # nearly all of them
    raw = value.encode("utf-8", "surrogatepass")
    if len(raw) > TEXT_BYTES_MAX or b"\0" in raw:
        raw = _HASHED + sha256(raw).hexdigest().encode()
    return raw + b"\0"
