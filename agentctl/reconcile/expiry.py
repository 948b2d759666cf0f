"""Which containers have outlived their time: the reconciler's own stop, behind agentd's."""

from collections.abc import Mapping

from agentctl.model.instance import Container, ContainerState, ObservedState
from agentctl.reconcile.births import Born

TTL_SLACK_S = 30.0  # agentd stops itself at its TTL and drains within its grace: give it that time


def expired(
    observed: ObservedState, past: Mapping[str, Born], *, installation: str, now_s: float
) -> tuple[tuple[Container, float], ...]:
    """Return running containers of ours past TTL, grace and slack, each with its grace in seconds.

    `now_s` is wall clock, as the engine's creation times are. A container whose
    spec isn't in `past` is left to its own agentd, which knows its TTL.
    """
    return tuple(
        (container, born.spec.grace_s)
        for host in observed.hosts
        for container in host.containers
        if container.installation == installation
        and container.state is ContainerState.RUNNING
        and (born := past.get(container.spec)) is not None
        and container.created_at_s > 0
        and container.created_at_s + born.spec.ttl_s + born.spec.grace_s + TTL_SLACK_S < now_s
    )
