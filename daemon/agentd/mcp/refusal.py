"""What a tool can't do, in words that a model can act on: who refused, why, and what to do."""

from agentd.hub_errors import HubAway, HubRefused

AWAY_S = 2.0  # between tries, when the hub says nothing else
WAITED_FOR_S_MAX = 10.0  # what the hub may ask us to wait before the next try


class Refusal(Exception):
    """What can't be done, in words for the model."""


class Unheard(Refusal):
    """A wait that ended without the hub's word: what came for us, if anything did, isn't known."""

    def __init__(self, why: HubAway) -> None:
        super().__init__(
            f"the hub could not be asked ({why}): whether something came isn't known."
            " What came waits there; try again later"
        )


def refused(why: HubRefused) -> Refusal:
    """Return the refusal that a final answer of the hub is."""
    if why.status == 409:
        return Refusal(f"this can't be done any more: {why.detail}")
    checked = f" by its check of {why.check}" if why.check else ""
    hint = f" {why.hint}" if why.hint else ""
    return Refusal(f"the hub refused it{checked}: {why.detail}.{hint}")


def not_now(why: HubAway) -> Refusal:
    """Return the refusal of a request that was tried often enough."""
    return Refusal(
        f"the hub can't take it now ({why}); whether it has it isn't known. Try the same again"
        " later: it is not done twice"
    )


def pause_s(why: HubAway) -> float:
    """Return how long to wait before the next try, in seconds."""
    wanted = AWAY_S if why.retry_after_s is None else why.retry_after_s
    return min(max(wanted, 0.1), WAITED_FOR_S_MAX)
