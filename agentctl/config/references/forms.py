"""Forms and bounds that the files' own stages have held already; a fleet may come another way.

Names become container names, directories and SPIFFE IDs: what is applied over the hub's API
must not get a name past the hub that the files could not.
"""

from collections.abc import Iterator

from agentctl.config.engine_url import ENGINE_WORDS, engine_wrong
from agentctl.config.finding import Finding, Subject, shown
from agentctl.config.names import (
    FLEET_WORDS,
    HOST_WORDS,
    KIND_WORDS,
    NAME_WORDS,
    TOPIC_WORDS,
    is_host_name,
    is_kind_name,
    is_name,
    is_topic,
)
from agentctl.config.references.known import error
from agentctl.model.fleet import AgentSpec, DesiredState, ExecutorKind

REPLICAS_MAX = 1000  # of one agent on one host; a host runs out of processes long before


def forms(desired: DesiredState) -> Iterator[Finding]:
    """Yield what is badly formed or out of bounds."""
    if not is_name(desired.fleet):
        yield _bad_name(desired.fleet, ("fleet",), FLEET_WORDS)
    for host in desired.hosts:
        at = ("host", host.name)
        if not is_host_name(host.name):
            yield _bad_name(host.name, at, HOST_WORDS)
        wrong = engine_wrong(host.engine_url)
        if wrong is not None:
            rule, message = wrong
            yield error(rule, f"host {host.name!r}: {message}", at, expected=ENGINE_WORDS)
    for provider in desired.providers:
        if not is_name(provider.name):
            yield _bad_name(provider.name, ("provider", provider.name))
    for destination in desired.destinations:
        if not is_name(destination.name):
            yield _bad_name(destination.name, ("destination", destination.name))
    for kind in desired.message_kinds:
        if not is_kind_name(kind.name):
            yield _bad_name(kind.name, ("message", kind.name), KIND_WORDS)
    for level in desired.routing.levels:
        if not is_name(level):
            yield _bad_name(level, ("routing", "levels"))
    for agent in desired.agents:
        yield from _agent(agent)


def _bad_name(name: str, subject: Subject, expected: str = NAME_WORDS) -> Finding:
    return error(
        "bad-name",
        f"expected {expected}, found {shown(name)}",
        subject,
        expected=expected,
        found=shown(name),
    )


def _agent(agent: AgentSpec) -> Iterator[Finding]:
    at = ("agent", agent.name, agent.host)
    for name in (agent.name, *agent.capabilities):
        if not is_name(name):
            yield _bad_name(name, at)
    for topic in (*agent.subscribes, *agent.publishes):
        if not is_topic(topic):
            yield _bad_name(topic, at, TOPIC_WORDS)
    if not 0 <= agent.replicas <= REPLICAS_MAX:
        yield _out_of_bounds(agent, "replicas", f"0 to {REPLICAS_MAX}", agent.replicas)
    for field, value in (
        ("cpus", agent.resources.cpus),
        ("memory", agent.resources.memory_bytes),
        ("pids", agent.resources.pids),
        ("ttl", agent.ttl_s),
        ("grace", agent.grace_s),
        ("workspace", agent.workspace.size_bytes),
        ("budget", agent.budget.usd),
        ("budget", agent.budget.tokens),
        ("budget", agent.budget.turns),
    ):
        if value is not None and not value > 0:  # a NaN isn't either
            yield _out_of_bounds(agent, field, "more than zero", value)
    if agent.executor.kind is ExecutorKind.COMMAND and not agent.executor.argv:
        yield error(
            "bad-combination",
            f"agent {agent.name!r}: kind command needs argv",
            (*at, "executor"),
            expected="the whole command as a list",
        )


def _out_of_bounds(agent: AgentSpec, field: str, expected: str, found: float) -> Finding:
    return error(
        "bad-value",
        f"agent {agent.name!r}: {field} must be {expected}, not {found}",
        ("agent", agent.name, agent.host, field),
        expected=expected,
        found=str(found),
    )
