"""An agent's circuit at a provider: what its own calls come to, where no probe could tell.

A server that answers 500, 529 or 429 may be overloaded, or may be fed garbage by one agent.
Nobody can tell from here, so such answers hold the work of the agent that got them, and no other's.
"""

from dataclasses import replace

from agentctl.model.away import Cause
from agentctl.monitor.circuit import Circuit, Event, State, Trouble, answered, opened, rest_s

# An executor's own tries, five in 7.5 s: what outlives them isn't a hiccup. One fewer, so that
# the last is told that its work waits.
CALLS_FAILED = 4
FAILING_S = 5.0  # ten containers that meet one hiccup together are no outage
FAILED_FROM = 500
THROTTLED = 429
QUOTA_FROM_S = 90.0  # limits by the minute ask for 60 at most: longer is a quota by the hour or day
QUOTA_S_MAX = 86_400.0  # no quota's window is longer; a provider that says a year is tried again


def of_status(
    status: int, retry_after_s: float | None, *, name: str, now_s: float
) -> Trouble | None:
    """Return what a call's HTTP status says against a provider for the agent that made it, or None.

    A refusal of the request itself (400, 404, 413) says nothing; nor does a short 429, which
    clients wait out themselves.
    """
    if status == THROTTLED and retry_after_s is not None and retry_after_s >= QUOTA_FROM_S:
        wait_s = min(retry_after_s, QUOTA_S_MAX)
        why = f"provider {name} answered 429: the next call in {wait_s:.0f} s"
        return Trouble(cause=Cause.QUOTA, why=why, until_s=now_s + wait_s)
    if status >= FAILED_FROM:
        return failing(name, f"answered {status}")
    return None


def failing(name: str, how: str) -> Trouble:
    """Return the trouble of a call that the provider failed: `how` completes "provider X …"."""
    return Trouble(cause=Cause.FAILING, why=f"provider {name} {how}")


def after_good(circuit: Circuit, *, began_s: float) -> Circuit:
    """Return a circuit after a call that was answered, an agent's or the provider's own.

    One that began before the circuit opened says how it was then.
    """
    before = circuit.state is State.OPEN and began_s < circuit.since_s
    return circuit if before else answered(circuit)


def after_bad(circuit: Circuit, trouble: Trouble, *, now_s: float) -> Circuit:
    """Return an agent's circuit after a call that failed.

    One quota answer opens it; of other failures it takes CALLS_FAILED in a row, FAILING_S apart.
    Calls that end while it is open say nothing new.
    """
    if circuit.state is State.OPEN:
        return circuit
    if trouble.until_s is not None:
        return opened(circuit, Event.TRIPPED, trouble, now_s=now_s, until_s=trouble.until_s)
    if circuit.state is State.HALF_OPEN:
        return _rests(circuit, Event.FAILED, trouble, now_s=now_s)
    run, since_s = circuit.run + 1, circuit.run_since_s if circuit.run else now_s
    if run >= CALLS_FAILED and now_s - since_s >= FAILING_S:
        return _rests(circuit, Event.TRIPPED, trouble, now_s=now_s)
    return replace(circuit, run=run, run_since_s=since_s)


def gives_up(run: int, since_s: float, *, now_s: float) -> bool:
    """Whether one attempt's own failures in a row are so many that its executor is about to give up."""
    return run >= CALLS_FAILED and now_s - since_s >= FAILING_S


def _rests(circuit: Circuit, event: Event, trouble: Trouble, *, now_s: float) -> Circuit:
    until_s = now_s + rest_s(circuit.rests)
    return opened(circuit, event, trouble, now_s=now_s, until_s=until_s)
