"""A birth with every field set, for tests of what is made of it."""

from agentctl.engine import Birth
from agentctl.model.fleet import (
    AgentSpec,
    Lifecycle,
    Resources,
    Secret,
    Source,
    SourceKind,
    Workspace,
)


def a_birth(lifecycle: Lifecycle = Lifecycle.PERSISTENT) -> Birth:
    """Return the birth of acme's researcher 2."""
    return Birth(
        fleet="acme",
        installation="install-01",
        instance="inst-01",
        replica=2,
        spec=AgentSpec(
            name="researcher",
            host="local",
            image="agentctl/agent:1",
            provider="ollama-qwen3",
            clearance="confidential",
            lifecycle=lifecycle,
            resources=Resources(cpus=1.5, memory_bytes=2 << 30, pids=256),
            workspace=Workspace(size_bytes=1 << 30),
            secrets=(
                Secret(name="token", source=Source(kind=SourceKind.FILE, name="/etc/canary")),
            ),
            grace_s=30.0,
        ),
        spec_hash="0123456789abcdef",
        provider="ollama-qwen3",
        boundary="private",
        label="confidential",
    )
