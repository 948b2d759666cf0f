"""The kinds of message that there are: those that ship with agentctl, and the generation's own."""

import json
import logging
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import yaml

from agentctl.messages import Kind, compiled
from agentctl.model.fleet import MessageKind
from agentctl.resources import root

log = logging.getLogger("agentctl.hub")


@cache
def built_in() -> tuple[MessageKind, ...]:
    """Return the kinds that ship with agentctl: schemas/messages/*.yaml, each named by its file."""
    found = sorted((root() / "schemas" / "messages").glob("*.yaml"))
    return tuple(_kind(path.stem, yaml.safe_load(path.read_text())) for path in found)


def _kind(name: str, document: Mapping[str, Any]) -> MessageKind:
    rules = json.dumps(document["payload"], sort_keys=True, separators=(",", ":"))
    return MessageKind(
        name=name, types=tuple(document["types"]), rules=rules, title=document.get("title", "")
    )


def kinds(declared: Iterable[MessageKind]) -> dict[str, Kind]:
    """Return all kinds by name, compiled. A declared one never takes a built-in one's place.

    One whose rules can't be used (a generation that another version applied) isn't there:
    what is sent as it is refused.
    """
    found: dict[str, Kind] = {}
    for each in (*built_in(), *declared):
        try:
            found.setdefault(each.name, compiled(each))
        except ValueError as why:
            log.error("a message kind can't be used: %s", why)
    return found


def wrong_kinds(declared: Iterable[MessageKind]) -> list[tuple[str, str]]:
    """Return what keeps declared kinds from being used, as (path in the desired state, why)."""
    shipped = {each.name for each in built_in()}
    found = []
    for at, each in enumerate(declared):
        path = f"/desired/message_kinds/{at}"
        if each.name in shipped:
            found.append(
                (f"{path}/name", f"{each.name} is the name of a kind that ships with agentctl")
            )
            continue
        try:
            compiled(each)
        except ValueError as why:
            found.append((f"{path}/rules", str(why)))
    return found
