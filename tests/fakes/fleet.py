"""A small declared fleet for tests: one private agent, one public, the sample's levels."""

from agentctl.model.fleet import (
    AccessRule,
    AgentSpec,
    DesiredState,
    Effect,
    Executor,
    ExecutorKind,
    Host,
    Isolation,
    Monitoring,
    Provider,
    ProviderKind,
    Route,
    Routing,
)

PRIVATE = Provider(
    name="ollama",
    kind=ProviderKind.OLLAMA,
    base_url="http://127.0.0.1:11434",
    model="qwen3",
    boundary="private",
)
PUBLIC = Provider(
    name="opus",
    kind=ProviderKind.ANTHROPIC,
    base_url="https://models.example",
    model="claude-opus-4-1",
    boundary="public",
)
ROUTING = Routing(
    levels=("public", "internal", "confidential", "restricted"),
    default="confidential",
    boundaries=(("public", "internal"), ("private", "restricted")),
    routes=(
        Route(name="deep reasoning", prefer=("opus",), capabilities=("deep-reasoning",)),
        Route(name="bulk at home", prefer=("ollama",), labels=(("bulk", "true"),)),
    ),
)
OPERATORS_DISPATCH = AccessRule(
    name="operators dispatch",
    effect=Effect.ALLOW,
    verb="task.submit",
    principal="operator:*",
    target="agent:*",
)
COMMAND = Executor(kind=ExecutorKind.COMMAND, argv=("true",))
RESEARCHER = AgentSpec(
    name="researcher",
    host="local",
    image="agentctl/agent:1",
    provider="ollama",
    clearance="confidential",
    capabilities=("research",),
    executor=COMMAND,
)
THINKER = AgentSpec(
    name="thinker",
    host="local",
    image="agentctl/agent:1",
    provider="opus",
    clearance="internal",
    capabilities=("deep-reasoning",),
    executor=COMMAND,
)
HOST = Host(name="local", engine_url="unix:///var/run/docker.sock", isolation=Isolation.STRICT)


def fleet(
    *agents: AgentSpec,
    providers: tuple[Provider, ...] = (PRIVATE, PUBLIC),
    access: tuple[AccessRule, ...] = (OPERATORS_DISPATCH,),
    routing: Routing = ROUTING,
    hosts: tuple[Host, ...] = (HOST,),
) -> DesiredState:
    """Return a desired state with these agents (the researcher and the thinker when none are given)."""
    return DesiredState(
        fleet="acme",
        hosts=hosts,
        agents=agents or (RESEARCHER, THINKER),
        providers=providers,
        routing=routing,
        access=access,
        monitoring=Monitoring(),
    )
