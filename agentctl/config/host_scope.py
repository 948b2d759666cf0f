"""The variables in force on a host, in a play: one precedence, low to high."""

from collections.abc import Mapping

from agentctl.config.inventory import Inventory
from agentctl.config.scope import Ledger, Scope, Variable

OF_THE_HOST = frozenset(
    {"inventory_hostname", "group_names"}
)  # as in Ansible, nobody else's to give


def host_scope(
    inventory: Inventory,
    host: str | None,
    shared: Mapping[str, Variable],
    extra: Mapping[str, Variable],
    ledger: Ledger,
) -> Scope:
    """Return the variables of a host in a play (or of no host): inventory, play, files, `-e`."""
    merged: dict[str, Variable] = {}
    for _, layer in inventory.layers(host):
        merged.update(layer)
    merged.update(shared)
    merged.update(extra)
    if host is not None:
        merged["inventory_hostname"] = Variable(host, "inventory")
        merged["group_names"] = Variable(list(inventory.named_groups(host)), "inventory")
    return Scope(merged, ledger, winning=frozenset(extra) | OF_THE_HOST)
