"""Opaque tokens as text: `it1.…` of an instance, `op1.…` of an operator, `mt1.…` of a task's attempt.

The prefix says what a token is for, so that a wrong one is noticed before anything is looked
up, and so that leaked ones can be found by a pattern. A token itself is never stored or shown.
"""

import hashlib
import re
from dataclasses import dataclass

SECRET_CHARS = 43  # 256 bits, URL-safe base64 without padding

_SECRET = r"[A-Za-z0-9_-]{43}"  # noqa: S105  # the pattern of one
_INSTANCE = re.compile(rf"it1\.([a-z0-9][a-z0-9-]{{0,63}})\.{_SECRET}")
_OPERATOR = re.compile(rf"op1\.([a-z0-9][a-z0-9-]{{0,63}})\.{_SECRET}")
_MODEL = re.compile(
    r"mt1\.([a-z0-9][a-z0-9-]{0,63})\.([1-9][0-9]{0,5})\.([a-z0-9][a-z0-9-]{0,63})"
    rf"\.({_SECRET})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceToken:
    """What an instance token says of itself: nothing to be trusted before its digest is compared."""

    instance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorToken:
    """What an operator token says of itself: nothing to be trusted before its digest is compared."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelToken:
    """What a model token says of itself: nothing to be trusted before its seal is checked."""

    task: str
    attempt: int
    instance: str
    sealed: str


def instance_token(instance: str, secret: str) -> str:
    """Return `it1.<instance>.<secret>`; `secret` is 43 URL-safe characters."""
    return _made(_INSTANCE, f"it1.{instance}.{secret}")


def operator_token(token_id: str, secret: str) -> str:
    """Return `op1.<id>.<secret>`; `secret` is 43 URL-safe characters."""
    return _made(_OPERATOR, f"op1.{token_id}.{secret}")


def model_token(task: str, attempt: int, instance: str, sealed: str) -> str:
    """Return `mt1.<task>.<attempt>.<instance>.<seal>`; `sealed` is what Seal.seal returns."""
    return _made(_MODEL, f"mt1.{task}.{attempt}.{instance}.{sealed}")


def parse_instance_token(text: str) -> InstanceToken | None:
    """Return an instance token's parts, or None when the text has another shape."""
    found = _INSTANCE.fullmatch(text)
    return InstanceToken(instance=found[1]) if found else None


def parse_operator_token(text: str) -> OperatorToken | None:
    """Return an operator token's parts, or None when the text has another shape."""
    found = _OPERATOR.fullmatch(text)
    return OperatorToken(id=found[1]) if found else None


def parse_model_token(text: str) -> ModelToken | None:
    """Return a model token's parts, or None when the text has another shape."""
    found = _MODEL.fullmatch(text)
    if found is None:
        return None
    return ModelToken(task=found[1], attempt=int(found[2]), instance=found[3], sealed=found[4])


def digest(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal: what is stored, and compared in constant time.

    A plain hash does, since a token is 256 random bits: there is nothing to guess from.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _made(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError("a token of that id or secret could not be read back")
    return text
