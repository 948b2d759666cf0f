"""Takes a task's own model token out of whatever leaves the container."""

from dataclasses import replace
from typing import Any

from agentd.outcome import Completed, Failed, Outcome, Work

_IN_PLACE = "[model token]"


def outcome(ended: Outcome, token: str) -> Outcome:
    """Return the outcome with every occurrence of `token` replaced."""
    match ended:
        case Completed(work=work):
            return Completed(work=_work(work, token))
        case Failed(work=work, detail=detail):
            return replace(ended, detail=text(detail, token), work=_work(work, token))


def text(value: str, token: str) -> str:
    """Return `value` without `token`."""
    return value.replace(token, _IN_PLACE) if token else value


def _work(work: Work, token: str) -> Work:
    return replace(
        work,
        text=text(work.text, token),
        structured=_tree(work.structured, token),
        session=text(work.session, token),
    )


def _tree(value: Any, token: str) -> Any:
    if isinstance(value, str):
        return text(value, token)
    if isinstance(value, list):
        return [_tree(each, token) for each in value]
    if isinstance(value, dict):
        return {text(key, token): _tree(each, token) for key, each in value.items()}
    return value
