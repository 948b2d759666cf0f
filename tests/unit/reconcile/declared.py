"""Small fleets and containers that the planning tests speak of."""

from dataclasses import replace

from agentctl.model.digest import desired_digest, spec_hash
from agentctl.model.fleet import AgentSpec, DesiredState, Host, Provider, ProviderKind, Routing
from agentctl.model.instance import Container, ContainerState, ObservedHost, ObservedState

OURS = "installation-1"
QWEN = Provider(
    name="ollama-qwen3",
    kind=ProviderKind.OLLAMA,
    base_url="http://127.0.0.1:11434",
    model="qwen3",
    boundary="private",
)
OPUS = Provider(
    name="claude-opus",
    kind=ProviderKind.ANTHROPIC,
    base_url="https://api.anthropic.com",
    model="claude-opus-4-1",
    boundary="public",
)
ROUTING = Routing(
    levels=("public", "internal", "confidential"),
    default="confidential",
    boundaries=(("public", "internal"), ("private", "confidential")),
)
RESEARCHER = AgentSpec(
    name="researcher",
    host="local",
    image="agentctl/agent:1",
    provider="ollama-qwen3",
    clearance="confidential",
)


def fleet(*agents: AgentSpec, hosts: tuple[str, ...] = ("local",)) -> DesiredState:
    """A fleet of these agents on these hosts."""
    return DesiredState(
        fleet="acme",
        hosts=tuple(Host(name=name, engine_url="unix:///e.sock") for name in hosts),
        agents=agents,
        providers=(QWEN, OPUS),
        routing=ROUTING,
    )


def digest_of(desired: DesiredState) -> str:
    return desired_digest(desired)


def container(
    spec: AgentSpec, replica: int = 0, *, provider: Provider = QWEN, **fields: object
) -> Container:
    """A running container of `spec`, as the engine reports one that was born with it."""
    born = Container(
        id=f"c-{spec.name}-{replica}",
        name=f"acme-{spec.name}-{replica}",
        host=spec.host,
        agent=spec.name,
        replica=replica,
        instance=f"inst-{spec.name}-{replica}",
        spec=spec_hash(spec, provider),
        provider=provider.name,
        boundary=provider.boundary,
        label=spec.clearance,
        installation=OURS,
        state=ContainerState.RUNNING,
        created_at_s=1000.0,
    )
    return replace(born, **fields)  # type: ignore[arg-type]


def seen(*containers: Container, host: str = "local", error: str = "") -> ObservedState:
    """One host with these containers, or the error it gave instead."""
    return ObservedState(hosts=(ObservedHost(name=host, containers=containers, error=error),))
