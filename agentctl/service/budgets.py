"""A child's budget comes out of its parent's: what was spent, what children hold, what is left."""

from collections.abc import Callable, Sequence

from agentctl.model.task import FINAL, Budget, Task

Amount = float | int | None


def share(parent: Task, children: Sequence[Task], asked: Budget) -> Budget | str:
    """Return the budget of a further child, or why there is none for it.

    What isn't asked for is all that is left; a parent without a bound leaves the child's as it is.
    """
    usd = _share("usd", parent, children, asked.usd, lambda task: task.usage.cost_usd or 0.0)
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
        return f"nothing is left of the budget of {whole:g} {name}"
    if asked is not None and asked > left:
        return f"{asked:g} {name} are asked for, {left:g} are left of the budget"
    return left if asked is None else asked


def _held(name: str, child: Task, spent: Callable[[Task], float]) -> float:
    """Return what a child takes of its parent's: what it spent once it has ended, before that its all."""
    whole: Amount = getattr(child.budget, name)
    return spent(child) if child.state in FINAL or whole is None else max(whole, spent(child))


def _tokens(task: Task) -> float:
    return task.usage.input_tokens + task.usage.output_tokens


def _turns(task: Task) -> float:
    return task.result.turns if task.result else 0
