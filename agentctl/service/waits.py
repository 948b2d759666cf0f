"""Does work for an agent have to wait because its provider can't be used now? Asked wherever work moves.

A hold changes nothing about where work belongs: it goes nowhere else meanwhile. The reasons name
neither file nor address: agents may read them.
Source: docs/decisions/0029-a-provider-without-a-key.md, 0032-a-provider-that-is-away.md.
"""

from agentctl.model.away import spoken
from agentctl.service.live import Live


def reason(live: Live, *, provider: str, agent: str, task: str) -> str:
    """Return why a task of `agent` waits for its provider, "" when it doesn't.

    Where one task may go through to see whether the provider is well again, the first that
    asks is the one.
    """
    if provider in live.unusable:
        return f"provider {provider} of {agent} has no usable key"
    for key in ((provider, ""), (provider, agent)):
        away = live.away.get(key)
        if away is None or (away.trial and live.trials.setdefault(key, task) == task):
            continue
        said = f"{spoken(provider, away.cause)}; its work goes on by itself when it is well again"
        return f"{said}; one task tries it" if away.trial else said
    return ""


def shut(live: Live, *, provider: str, agent: str) -> bool:
    """Whether no container of an agent is given work now: it could only fail."""
    found = (live.away.get(key) for key in ((provider, ""), (provider, agent)))
    return provider in live.unusable or any(each and not each.trial for each in found)


def trying(live: Live) -> bool:
    """Whether somewhere one task is to be let through."""
    return any(each.trial for each in live.away.values())
