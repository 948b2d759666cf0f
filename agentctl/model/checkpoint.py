"""A checkpoint: the hub's signed word that the journal had this line at this time, to keep elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Line `seq` of installation `installation` has hash `hash`; signed at `at_s` (wall clock).

    Lines up to `retired_through` may be gone by retention, with the hub's knowledge (0: none).
    """

    installation: str
    seq: int
    hash: str
    at_s: float
    retired_through: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """A checkpoint and the compact JWS that says the same."""

    checkpoint: Checkpoint
    jws: str
