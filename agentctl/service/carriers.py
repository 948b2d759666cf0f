"""Which process carries the door of a container on another host: what comes out of it is that container's.

The reconciler says so before the process can carry anything, for each new connection anew.
Source: docs/decisions/0030-engines-on-other-hosts.md.
"""

from dataclasses import replace
from typing import Any

from agentctl.errors import Conflict, NotFound
from agentctl.model.instance import Instance
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.store import Txn, instances

WHO = "reconciler"


def carry(hub: Hub, instance_id: str, *, host: str, process: str) -> dict[str, Any]:
    """Record the process that carries an instance's door to a host; its last one counts no more.

    Raises NotFound, Conflict (it has ended, it is on this machine or another host, or the process
    carries another's).
    """

    def work(txn: Txn) -> None:
        instance = _remote(txn, instance_id, host)
        if instance.carrier == process:
            return
        _require_free(txn, process)
        instances.put(txn, replace(instance, carrier=process))
        note(
            hub,
            txn,
            "instance.carried",
            who=WHO,
            subject=instance.id,
            label=instance.label,
            agent=instance.agent,
            host=instance.host,
            carrier=process,
        )

    hub.store.write(work)
    return {}


def _remote(txn: Txn, instance_id: str, host: str) -> Instance:
    instance = instances.get(txn, instance_id)
    if instance is None:
        raise NotFound(f"no instance {instance_id!r}")
    if not instance.alive:
        raise Conflict(f"{instance_id} has ended", hint="close its door")
    if not instance.remote:
        raise Conflict(
            f"{instance_id} is on this machine, where the kernel knows its container",
            hint="a door is carried to other hosts alone",
        )
    if instance.host != host:  # the label that names it is the word of that host's root
        raise Conflict(f"{instance_id} is on {instance.host}, not on {host}")
    return instance


def _require_free(txn: Txn, process: str) -> None:
    """One process carries one door: else what comes out of it would be two containers'."""
    for other in instances.alive(txn):
        if other.carrier == process:
            raise Conflict(f"{process} carries the door of {other.id}", hint="start another")
