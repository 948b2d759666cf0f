"""A limit holds only where somebody counts: dollars, tokens and turns, by provider and executor."""

from collections.abc import Iterator

from agentctl.config.finding import Finding
from agentctl.config.references.known import at_agent, error
from agentctl.model.budget import written
from agentctl.model.fleet import AgentSpec, ExecutorKind, Provider, ProviderKind


def budget(agent: AgentSpec, provider: Provider | None) -> Iterator[Finding]:
    """Yield the limits that nobody can count. The gateway counts every provider's tokens."""
    if provider is not None and agent.budget.usd is not None and not _priced(agent, provider):
        yield error(
            "unmetered-limit",
            f"agent {agent.name!r} has a budget in usd, but nobody can say what {provider.name!r}"
            " costs",
            (*at_agent(agent), "budget", "usd"),
            expected="a provider with a price",
            found=written(agent.budget.usd),
            suggestion=f"give {provider.name} a `price` in policies/providers.yaml, or bound tokens",
        )
    if agent.budget.turns is not None and agent.executor.kind is ExecutorKind.COMMAND:
        yield error(
            "unmetered-limit",
            f"agent {agent.name!r} has a budget in turns, but nobody counts those of a command",
            (*at_agent(agent), "budget", "turns"),
            expected="executor kind claude-code",
            found=f"{agent.budget.turns}",
            suggestion="bound tokens: the gateway counts them, whatever calls the model",
        )


def _priced(agent: AgentSpec, provider: Provider) -> bool:
    """Whether somebody knows what a call costs: the hub by a price, or the CLI by its own list."""
    if provider.price is not None:
        return True
    known = provider.kind is ProviderKind.ANTHROPIC
    return known and agent.executor.kind is ExecutorKind.CLAUDE_CODE
