"""What a tool can't do, in words that a model can act on: who refused, why, and what to do."""

from agentd.hub_errors import HubAway, HubRefused

AWAY_S = 2.0  # between tries, when the hub says nothing else
WAITED_FOR_S_MAX = 10.0  # what the hub may ask us to wait before the next try


class Refusal(Exception):
    """What can't be done, in words for the model."""


def refused(why: HubRefused) -> Refusal:
    """Return the refusal that a final answer of the hub is."""
    if why.status == 409:
        return Refusal(f"this can't be done any more: {why.detail}")
    hint = f" {why.hint}" if why.hint else ""
    return Refusal(f"the hub refused it{_by(why.check)}: {why.detail}.{hint}")


def not_now(why: HubAway) -> Refusal:
    """Return the refusal of a message that was tried often enough."""
    if why.check:  # it answered, so it has not been taken
        return Refusal(f"the hub can't take it now{_by(why.check)}: {why}. Try again later.")
    return Refusal(
        f"the hub is away ({why}), and whether it got this isn't known. Try again later, or go on"
        " without."
    )


def away(why: HubAway) -> Refusal:
    """Return the refusal of a look at a hub that doesn't come back."""
    return Refusal(f"the hub is away ({why}). What comes for you waits there: try again later.")


def pause_s(why: HubAway) -> float:
    """Return how long to wait before the next try, in seconds."""
    wanted = AWAY_S if why.retry_after_s is None else why.retry_after_s
    return min(max(wanted, 0.1), WAITED_FOR_S_MAX)


def _by(check: str) -> str:
    return f" by its check of {check}" if check else ""
