"""A provider's own circuit: what the gateway's probes of it come to. Nothing an agent does counts here.

A probe asks for what costs nothing and carries nothing: see `providers.probe`.
"""

from dataclasses import replace

from agentctl.model.away import Cause
from agentctl.monitor.circuit import (
    CLOSED,
    TRANSITIONS,
    Circuit,
    Event,
    State,
    Trouble,
    answered,
    opened,
)

PROBES_FAILED = 2  # in a row: one may meet a server that just restarts
KEY_REFUSED = frozenset({401, 403})
# What stands in front of a server says of the server behind it; and the API's own "overloaded".
NOT_THERE = frozenset({502, 503, 504, 529})


def of_status(status: int, *, name: str, with_key: bool) -> Trouble | None:
    """Return what a probe's HTTP status says against a provider, None when it is there.

    Any other answer, "no such page" too, came from a server that runs. Asked without a key, a
    demand for one says nothing.
    """
    if with_key and status in KEY_REFUSED:
        return Trouble(cause=Cause.KEY, why=f"provider {name} refuses the key ({status})")
    if status in NOT_THERE:
        return Trouble(cause=Cause.FAILING, why=f"provider {name} answers {status}")
    return None


def after_probe(circuit: Circuit, trouble: Trouble | None, *, now_s: float) -> Circuit:
    """Return a provider's circuit after one more probe; `trouble` None: it was answered.

    Two in a row open it, two in a row close it: half-open is one answer that wants a second.
    """
    if trouble is None:
        return _answered(circuit)
    match circuit.state:
        case State.CLOSED:
            return _failed_once_more(circuit, trouble, now_s=now_s)
        case State.OPEN:
            return replace(circuit, trouble=trouble)
        case State.HALF_OPEN:
            return opened(circuit, Event.FAILED, trouble, now_s=now_s, until_s=None)


def _answered(circuit: Circuit) -> Circuit:
    if circuit.state is State.OPEN:
        return replace(circuit, state=TRANSITIONS[State.OPEN, Event.RESTED])
    return answered(circuit)


def _failed_once_more(circuit: Circuit, trouble: Trouble, *, now_s: float) -> Circuit:
    run = circuit.run + 1
    if run >= PROBES_FAILED:
        return opened(circuit, Event.TRIPPED, trouble, now_s=now_s, until_s=None)
    return replace(CLOSED, run=run, run_since_s=circuit.run_since_s if circuit.run else now_s)
