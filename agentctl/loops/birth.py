"""What a container is born with: its labels from the reservation, its boot document with the secrets in."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from agentctl.engine import Birth, Engine
from agentctl.loops.hub_side import Reserved
from agentctl.model.fleet import Source
from agentctl.model.plan import Create

Resolve = Callable[[Source], bytes]


def birth_of(create: Create, reserved: Reserved) -> Birth:
    """Return the birth of a container whose intent the hub has recorded."""
    return Birth(
        fleet=reserved.fleet,
        installation=reserved.installation,
        instance=reserved.instance,
        replica=create.replica,
        spec=create.spec,
        spec_hash=create.spec_hash,
        provider=reserved.provider,
        boundary=reserved.boundary,
        label=reserved.label,
        workspace=reserved.workspace,
    )


def boot_document(
    boot: Mapping[str, Any], birth: Birth, engine: Engine, secrets: Mapping[str, bytes]
) -> bytes:
    """Return the hub's part of the boot document with the engine's paths and the secrets, as JSON.

    It goes to agentd's standard input and nowhere else.
    """
    encoded = {name: base64.b64encode(value).decode() for name, value in secrets.items()}
    return json.dumps({**boot, **engine.boot_paths(birth), "secrets": encoded}).encode()
