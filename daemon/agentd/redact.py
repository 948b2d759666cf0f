"""Takes what agentd knows to be secret out of a task's result: the work isn't lost for it."""

from dataclasses import replace
from typing import Any

from agentd.known_secrets import KnownSecrets
from agentd.outcome import Completed, Failed, Outcome, Work


def outcome(ended: Outcome, known: KnownSecrets) -> Outcome:
    """Return the outcome with every occurrence of a secret replaced by its name."""
    match ended:
        case Completed(work=work):
            return Completed(work=_work(work, known))
        case Failed(work=work, detail=detail):
            return replace(ended, detail=known.cut_from(detail), work=_work(work, known))


def _work(work: Work, known: KnownSecrets) -> Work:
    return replace(
        work,
        text=known.cut_from(work.text),
        structured=_tree(work.structured, known),
        session=known.cut_from(work.session),
    )


def _tree(value: Any, known: KnownSecrets) -> Any:
    if isinstance(value, str):
        return known.cut_from(value)
    if isinstance(value, list):
        return [_tree(each, known) for each in value]
    if isinstance(value, dict):
        return {known.cut_from(key): _tree(each, known) for key, each in value.items()}
    return value
