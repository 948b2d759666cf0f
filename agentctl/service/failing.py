"""Providers whose last call failed: what people are told of them, and what a failed task says of its own."""

from dataclasses import replace

from agentctl.model.task import Result, Task
from agentctl.monitor.snapshot import Upstream
from agentctl.monitor.upstream import in_words
from agentctl.service.context import Hub

API_ERROR = "api_error"  # agentd's word for a task that ended for want of an answer


def of_declared(hub: Hub) -> dict[str, Upstream]:
    """Return how each declared provider fails, of those whose last call did."""
    declared = hub.fleet.generation.desired.providers if hub.fleet else ()
    names = {each.name for each in declared}
    with hub.live.lock:
        return {name: each for name, each in hub.live.upstreams.items() if name in names}


def as_words(hub: Hub) -> dict[str, str]:
    """Return the same in words, by provider."""
    return {name: in_words(name, each) for name, each in of_declared(hub).items()}


def with_cause(hub: Hub, task: Task, result: Result, provider: str) -> Task:
    """Return a task that just failed, its error with the cause that the agent isn't told.

    The result stays as the agent gave it: it goes to agents, an address is for operators.
    """
    with hub.live.lock:
        upstream = hub.live.upstreams.get(provider)
    if upstream is None or not upstream.why or result.reason != API_ERROR or not task.error:
        return task
    return replace(task, error=f"{upstream.why} ({task.error})")
