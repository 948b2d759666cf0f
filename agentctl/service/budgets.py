"""What a task may spend: its own bounds within its agent's; a child's come out of its parent's."""

from collections.abc import Callable, Sequence

from agentctl.model.budget import Budget, written
from agentctl.model.fleet import Provider
from agentctl.model.task import FINAL, Task, Usage
from agentctl.service.context import Fleet

Amount = float | int | None
TOKENS_PRICED = 1_000_000  # prices are in dollars for so many, as providers list them


def in_force(task: Task, fleet: Fleet | None) -> Budget:
    """Return what bounds a task now: what it asked for, and never more than its agent's tasks may."""
    name = task.agent or (task.routed.agent if task.routed else "")
    spec = fleet.agents.get(name) if fleet else None
    return task.budget.within(spec.budget) if spec else task.budget


def priced(task: Task, fleet: Fleet | None) -> bool:
    """Whether the hub counts a task's dollars itself, by its provider's declared price."""
    if fleet is None or task.routed is None:
        return False
    provider = fleet.generation.desired.provider(task.routed.provider)
    return provider is not None and provider.price is not None


def cost_usd(used: Usage, provider: Provider | None) -> float | None:
    """Return what tokens cost by the provider's declared price, None without one."""
    price = provider.price if provider else None
    if price is None:
        return None
    dear = (
        used.input_tokens * price.input
        + used.output_tokens * price.output
        + used.cache_read_tokens * price.cache_read
        + used.cache_write_tokens * price.cache_write
    )
    return dear / TOKENS_PRICED


def share(parent: Task, children: Sequence[Task], asked: Budget) -> Budget | str:
    """Return the budget of a further child, or why there is none for it.

    What isn't asked for is all that is left; a parent without a bound leaves the child's as it is.
    """
    usd = _share("usd", parent, children, asked.usd, _usd)
    tokens = _share("tokens", parent, children, asked.tokens, _tokens)
    turns = _share("turns", parent, children, asked.turns, _turns)
    for each in (usd, tokens, turns):
        if isinstance(each, str):
            return each
    return Budget(
        usd=None if usd is None else float(usd),
        tokens=None if tokens is None else int(tokens),
        turns=None if turns is None else int(turns),
    )


def reserved_tokens(children: Sequence[Task]) -> int:
    """Return the tokens that children used or hold: their parent may not spend them a second time."""
    return sum(int(_held("tokens", each, _tokens)) for each in children)


def reserved_usd(children: Sequence[Task]) -> float:
    """Return the dollars that children spent or hold."""
    return sum(_held("usd", each, _usd) for each in children)


def _share(
    name: str,
    parent: Task,
    children: Sequence[Task],
    asked: Amount,
    spent: Callable[[Task], float],
) -> Amount | str:
    whole: Amount = getattr(parent.budget, name)
    if whole is None:
        return asked
    left = whole - spent(parent) - sum(_held(name, each, spent) for each in children)
    if left <= 0:
        return f"nothing is left of the budget of {written(whole)} {name}"
    if asked is not None and asked > left:
        return f"{written(asked)} {name} are asked for, {written(left)} are left of the budget"
    return left if asked is None else asked


def _held(name: str, child: Task, spent: Callable[[Task], float]) -> float:
    """Return what a child takes of its parent's: what it spent once it has ended, before that its all."""
    whole: Amount = getattr(child.budget, name)
    return spent(child) if child.state in FINAL or whole is None else max(whole, spent(child))


def _usd(task: Task) -> float:
    return task.usage.cost_usd or 0.0


def _tokens(task: Task) -> float:
    return task.usage.input_tokens + task.usage.output_tokens


def _turns(task: Task) -> float:
    return task.result.turns if task.result else 0
