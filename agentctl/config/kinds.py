"""The kinds of document, where each stands in a project, and its schema."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from agentctl.resources import schema_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A document kind: its schema's name, its place in a project, whether a project needs one."""

    name: str
    place: str
    required: bool


KINDS = (
    Kind(name="inventory", place="inventory.yaml", required=True),
    Kind(name="playbook", place="playbooks/", required=False),
    Kind(name="providers", place="policies/providers.yaml", required=True),
    Kind(name="routing", place="policies/routing.yaml", required=True),
    Kind(name="access", place="policies/access.yaml", required=False),
    Kind(name="monitoring", place="policies/monitoring.yaml", required=False),
    Kind(name="message", place="schemas/messages/", required=False),
    Kind(name="policy-test", place="policies/tests/", required=False),
    Kind(name="vars", place="group_vars/, host_vars/", required=False),
)


@cache
def schema(kind: str) -> dict[str, Any]:
    """Return a document kind's JSON Schema."""
    loaded: dict[str, Any] = json.loads(schema_path(kind).read_text(encoding="utf-8"))
    return loaded
