"""One agent's declaration as written: its fields over the play's defaults, its tags, its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentctl.config.document import Document
from agentctl.config.finding import Finding, Path, shown
from agentctl.config.names import NAME_WORDS, is_name
from agentctl.config.values import AGENT

_NOT_FIELDS = frozenset({"name", "when", "vars", "loop", "loop_control", "tags"})


@dataclass(frozen=True, slots=True)
class Field:
    raw: Any
    path: Path


def fields_of(
    play_path: Path, path: Path, play: Mapping[str, Any], agent: Mapping[str, Any]
) -> dict[str, Field]:
    """Return the declaration's fields over the play's defaults; a field replaces a default whole."""
    defaults = play.get("agent_defaults", {})
    merged = {key: Field(raw, (*play_path, "agent_defaults", key)) for key, raw in defaults.items()}
    merged.update({key: Field(raw, (*path, key)) for key, raw in agent.items()})
    # What else stands there is refused, and has its finding.
    return {key: each for key, each in merged.items() if key in AGENT and key not in _NOT_FIELDS}


def is_plain(
    agent: Mapping[str, Any], fields: Mapping[str, Field], play: Mapping[str, Any]
) -> bool:
    """Whether a declaration is the same on every host: no template, no loop, no condition."""
    if "loop" in agent or "when" in agent or "when" in play:
        return False
    if "when" in play.get("agent_defaults", {}):
        return False
    return not _templated(agent["name"]) and not any(
        _templated(each.raw) for each in fields.values()
    )


def _templated(raw: Any) -> bool:
    if isinstance(raw, str):
        return "{{" in raw or "{%" in raw or "{#" in raw
    if isinstance(raw, dict):
        return any(_templated(each) for each in raw.values())
    if isinstance(raw, list):
        return any(_templated(each) for each in raw)
    return False


def tag_words(tags: Any) -> tuple[str, ...]:
    """Return tags given as a list, or as Ansible's comma-separated text."""
    if isinstance(tags, str):
        return tuple(each.strip() for each in tags.split(",") if each.strip())
    return tuple(tags or ())


def name_finding(document: Document, path: Path, name: Any) -> Finding | None:
    """Return what is wrong with an agent's name, or None."""
    if isinstance(name, str) and is_name(name):
        return None
    return document.finding(
        "bad-name",
        f"expected {NAME_WORDS}, found {shown(name)}",
        path,
        expected=NAME_WORDS,
        found=shown(name),
    )
