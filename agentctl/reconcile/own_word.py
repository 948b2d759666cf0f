"""An engine speaks for its own host alone: what it says of another host's instances counts for nothing."""

from collections.abc import Mapping
from dataclasses import replace

from agentctl.model.instance import Container, ObservedState


def own_word(observed: ObservedState, hosts: Mapping[str, str]) -> ObservedState:
    """Return what was observed, without containers that claim an instance of another host.

    `hosts` maps each instance that the hub knows to its host. Labels are the word of whoever is
    root on the engine's machine, and must not drain or end what runs elsewhere. Nor is such a
    container touched: where two hosts' names lead to one engine, it is the other's, and works.
    """
    if all(_own(each, hosts) for host in observed.hosts for each in host.containers):
        return observed
    return ObservedState(
        hosts=tuple(
            replace(host, containers=tuple(each for each in host.containers if _own(each, hosts)))
            for host in observed.hosts
        )
    )


def _own(container: Container, hosts: Mapping[str, str]) -> bool:
    return hosts.get(container.instance, container.host) == container.host
