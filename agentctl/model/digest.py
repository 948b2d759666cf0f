"""Digests of frozen values: the same value gives the same digest on every machine and version."""

import dataclasses
import hashlib
import json
from enum import Enum
from functools import lru_cache
from typing import Any

from agentctl.model.fleet import AgentSpec, DesiredState, Provider

SPECS_REMEMBERED_MAX = 65_536  # asked for in every pass; one is some 2 KiB
SPEC_HASH_CHARS = 16  # 64 bits: it tells specs of one agent apart, it doesn't resist forgery


_AS_THEY_ARE = frozenset({str, int, float, bool, type(None)})


_names_of: dict[type, tuple[str, ...] | None] = {}  # asked for every value of a fleet


def _field_names(kind: type) -> tuple[str, ...] | None:
    """Return the fields of a dataclass, None for any other type."""
    if kind not in _names_of:
        found = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else None
        _names_of[kind] = None if found is None else tuple(each.name for each in found)
    return _names_of[kind]


def plain(value: Any) -> Any:
    """Return a frozen value as JSON types: dataclasses as dicts, tuples as lists, enums by value."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    names = _field_names(kind)
    if names is not None:
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


# What JSON has no word for is made plain on the way: most values are JSON already, and stay uncopied.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=plain).encode


def canonical(value: Any) -> bytes:
    """Return canonical JSON: sorted keys, no spaces, ASCII only."""
    return _encode(value).encode()


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


# What may change without a new container: how many there are, where work prefers to go,
# how a replacement is timed, who hears what, how operators select the agent, what a task may spend.
_NOT_IN_THE_CONTAINER = frozenset(
    {
        "replicas",
        "warm",
        "capabilities",
        "on_change",
        "tags",
        "subscribes",
        "publishes",
        "labels",
        "budget",
    }
)
_ONLY_IF_ANY = frozenset({"egress"})  # younger than the hash: without it a spec's hash stays


@lru_cache(SPECS_REMEMBERED_MAX)
def spec_hash(spec: AgentSpec, provider: Provider) -> str:
    """Return the hash that a container's `agentctl.spec` label carries.

    It covers all that is fixed at a container's birth: the agent's spec and
    its provider's name, kind, model and boundary. A different hash means a new container.
    """
    born_with = {
        key: value
        for key, value in plain(spec).items()
        if key not in _NOT_IN_THE_CONTAINER and (value or key not in _ONLY_IF_ANY)
    }
    born_with["provider"] = [provider.name, provider.kind, provider.model, provider.boundary]
    return digest(born_with)[:SPEC_HASH_CHARS]


def desired_digest(desired: DesiredState) -> str:
    """Return the digest that names a generation's content."""
    return digest(desired)
