"""The circuit in front of a provider: closed while work may go there, open while it waits. A table.

There are two kinds, by what is taken as evidence. A provider's own circuit holds everybody's work
and goes by the gateway's probes alone (`circuit_probes`); an agent's holds that agent's work and
goes by that agent's calls (`circuit_calls`). So what one agent's calls come to never holds
another's work. Source: docs/decisions/0032-a-provider-that-is-away.md.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from agentctl.model.away import Cause

REST_S = 30.0  # an overload is over in less, or lasts long
REST_S_MAX = 900.0  # each trial costs an attempt's start: four an hour cost nothing
TRIAL_S = 120.0  # a container starts, a model loads, and one call ends


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Event(StrEnum):
    TRIPPED = "tripped"  # enough speaks against the provider
    RESTED = "rested"  # its rest is over, or one probe was answered
    FAILED = "failed"  # once more, while it was tried
    ANSWERED = "answered"  # proof that it is there
    SILENT = "silent"  # the trial's time is over, and nothing was heard


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.CLOSED, Event.TRIPPED): State.OPEN,
    (State.OPEN, Event.RESTED): State.HALF_OPEN,
    (State.OPEN, Event.ANSWERED): State.CLOSED,
    (State.HALF_OPEN, Event.ANSWERED): State.CLOSED,
    (State.HALF_OPEN, Event.FAILED): State.OPEN,
    (State.HALF_OPEN, Event.TRIPPED): State.OPEN,
    # Nothing speaks against it any more: a trial that never asks must not hold others' work.
    (State.HALF_OPEN, Event.SILENT): State.CLOSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that speaks against a provider. `until_s` is when it said to ask again."""

    cause: Cause
    why: str
    until_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """One circuit. All times are seconds of one monotonic clock.

    `since_s` is when it left closed; `until_s` when its rest or its trial ends, None where
    probes decide. `run` counts failures in a row while closed, `run_since_s` since the first of
    them. `rests` is how often it opened without an answer in between.
    """

    state: State = State.CLOSED
    trouble: Trouble | None = None
    since_s: float = 0.0
    until_s: float | None = None
    run: int = 0
    run_since_s: float = 0.0
    rests: int = 0

    @property
    def idle(self) -> bool:
        """Whether it says nothing that a new one doesn't."""
        return self == Circuit()


CLOSED = Circuit()


def opened(
    circuit: Circuit, event: Event, trouble: Trouble, *, now_s: float, until_s: float | None
) -> Circuit:
    """Return the circuit open from now on; `event` says by what."""
    began = circuit.state is State.CLOSED
    return Circuit(
        state=TRANSITIONS[circuit.state, event],
        trouble=trouble,
        since_s=now_s if began else circuit.since_s,
        until_s=until_s,
        rests=circuit.rests + 1,
    )


def answered(circuit: Circuit) -> Circuit:
    """Return the circuit after proof that the provider is there: as new, from any state."""
    if circuit.state is State.CLOSED:
        return CLOSED
    return Circuit(state=TRANSITIONS[circuit.state, Event.ANSWERED])


def after_time(circuit: Circuit, *, now_s: float) -> Circuit:
    """Return the circuit after a rest or a trial whose time is over; as it is where none is."""
    if circuit.until_s is None or now_s < circuit.until_s:
        return circuit
    if circuit.state is State.OPEN:
        tried = TRANSITIONS[State.OPEN, Event.RESTED]
        return replace(circuit, state=tried, until_s=now_s + TRIAL_S)
    # it keeps how often it rested: nothing was proved
    return Circuit(state=TRANSITIONS[circuit.state, Event.SILENT], rests=circuit.rests)


def rest_s(rests: int) -> float:
    """Return how long a circuit rests that has rested `rests` times: twice as long each time."""
    return min(REST_S_MAX, REST_S * float(2 ** min(rests, 10)))
