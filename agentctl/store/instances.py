"""Table instances: every container the hub reserved; those whose credentials count are indexed by agent."""

from collections.abc import Iterator
from dataclasses import replace

from agentctl.model.instance import Instance, InstanceState
from agentctl.store import keys
from agentctl.store.codec import Codec, decoded
from agentctl.store.txn import Table, Txn

_instances = Codec(Table.INSTANCES, Instance)


def put(txn: Txn, instance: Instance) -> None:
    """Store an instance, new or changed. Its agent never changes."""
    key = keys.text(instance.id)
    txn.put(Table.INSTANCES, key, _instances.encode(instance))
    place = keys.text(instance.agent, instance.id)
    if not instance.alive:
        txn.delete(Table.INSTANCES_ALIVE, place)
    elif txn.get(Table.INSTANCES_ALIVE, place) is None:
        txn.put(Table.INSTANCES_ALIVE, place, b"")


def get(txn: Txn, instance_id: str) -> Instance | None:
    """Return an instance, or None."""
    key = keys.text(instance_id)
    return decoded(_instances, key, txn.get(Table.INSTANCES, key))


def all(txn: Txn) -> Iterator[Instance]:  # noqa: A001 read as instances.all(txn)
    """Yield every instance on record, oldest first, recycled ones included."""
    return (_instances.decode(key, value) for key, value in txn.scan(Table.INSTANCES))


def alive(txn: Txn) -> Iterator[Instance]:
    """Yield the instances whose credentials still count, by agent, then oldest first."""
    return _alive(txn, b"")


def count_alive(txn: Txn) -> int:
    """Return how many are alive, without a look at any: strangers may ask for metrics."""
    return sum(1 for _ in txn.scan(Table.INSTANCES_ALIVE))


def by_agent(txn: Txn, agent: str) -> Iterator[Instance]:
    """Yield an agent's instances that are alive, oldest first."""
    return _alive(txn, keys.text(agent))


def recycle(txn: Txn, instance: Instance, *, reason: str, at_s: float) -> None:
    """End an instance while no hub runs: its credentials are worth nothing, its leases run out."""
    ended = instance.entered(InstanceState.RECYCLED, at_s)
    put(txn, replace(ended, draining=True, reason=reason, ended_at_s=at_s))


def forget(txn: Txn, instance_id: str) -> bool:
    """Delete an instance's record; return whether there was one."""
    instance = get(txn, instance_id)
    if instance is None:
        return False
    txn.delete(Table.INSTANCES_ALIVE, keys.text(instance.agent, instance.id))
    return txn.delete(Table.INSTANCES, keys.text(instance_id))


def _alive(txn: Txn, prefix: bytes) -> Iterator[Instance]:
    for key, _ in txn.scan(Table.INSTANCES_ALIVE, prefix):
        instance = get(txn, keys.last_text(key))
        if instance is not None:
            yield instance
