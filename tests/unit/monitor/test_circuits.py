"""The circuit in front of a provider: its table, what opens it, and that it always closes again."""

import pytest

from agentctl.model.away import Cause
from agentctl.monitor import circuit_calls as calls
from agentctl.monitor import circuit_probes as probes
from agentctl.monitor.circuit import (
    CLOSED,
    REST_S,
    REST_S_MAX,
    TRANSITIONS,
    TRIAL_S,
    Circuit,
    Event,
    State,
    Trouble,
    after_time,
    rest_s,
)

DOWN = Trouble(cause=Cause.UNREACHABLE, why="provider opus can't be reached: Connection refused")
FAILS = calls.failing("opus", "answered 529")


def probed(circuit: Circuit, *answers: Trouble | None, now_s: float = 0.0) -> Circuit:
    for each in answers:
        circuit = probes.after_probe(circuit, each, now_s=now_s)
    return circuit


def failed(circuit: Circuit, *times_s: float) -> Circuit:
    for each in times_s:
        circuit = calls.after_bad(circuit, FAILS, now_s=each)
    return circuit


OPEN_BY_CALLS = failed(CLOSED, 0.0, 1.0, 3.0, 7.0)


def test_every_state_is_left_again() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State)
    for state in (State.OPEN, State.HALF_OPEN):
        assert TRANSITIONS[state, Event.ANSWERED] is State.CLOSED
    assert (State.CLOSED, Event.FAILED) not in TRANSITIONS, "one failure opens nothing"


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ((DOWN,), State.CLOSED),
        ((DOWN, None, DOWN), State.CLOSED),
        ((DOWN, DOWN), State.OPEN),
        ((DOWN, DOWN, None), State.HALF_OPEN),
        ((DOWN, DOWN, None, DOWN), State.OPEN),
        ((DOWN, DOWN, None, DOWN, None), State.HALF_OPEN),
        ((DOWN, DOWN, DOWN, None, None), State.CLOSED),
    ],
)
def test_two_probes_in_a_row_open_a_providers_circuit_and_two_close_it(
    answers: tuple[Trouble | None, ...], state: State
) -> None:
    assert probed(CLOSED, *answers).state is state


def test_it_knows_since_when_it_is_away_and_the_newest_reason() -> None:
    first = probed(CLOSED, DOWN, DOWN, now_s=5.0)
    key = Trouble(cause=Cause.KEY, why="provider opus refuses the key (401)")
    later = probed(first, None, key, now_s=9.0)
    assert (later.state, later.since_s, later.trouble) == (State.OPEN, 5.0, key)


@pytest.mark.parametrize(
    ("status", "with_key", "cause"),
    [
        (200, True, None),
        (404, True, None),
        (429, True, None),
        (500, True, None),
        (501, False, None),
        (401, False, None),
        (401, True, Cause.KEY),
        (403, True, Cause.KEY),
        (502, False, Cause.FAILING),
        (503, True, Cause.FAILING),
        (529, True, Cause.FAILING),
    ],
)
def test_what_a_probe_says(status: int, with_key: bool, cause: Cause | None) -> None:
    found = probes.of_status(status, name="opus", with_key=with_key)
    assert (found.cause if found else None) is cause


@pytest.mark.parametrize(
    ("times_s", "state"),
    [
        ((0.0, 1.0, 7.0), State.CLOSED),  # too few
        ((0.0, 0.1, 0.2, 0.3, 0.4), State.CLOSED),  # ten containers that meet one hiccup
        ((0.0, 1.0, 3.0, 7.0), State.OPEN),
    ],
)
def test_an_agents_circuit_opens_by_failures_that_last(
    times_s: tuple[float, ...], state: State
) -> None:
    assert failed(CLOSED, *times_s).state is state


def test_an_answer_between_them_starts_the_count_anew() -> None:
    partly = failed(CLOSED, 0.0, 1.0, 3.0)
    assert failed(calls.after_good(partly, began_s=4.0), 7.0).run == 1


def test_it_rests_then_one_tries_and_what_that_comes_to_decides() -> None:
    assert OPEN_BY_CALLS.until_s == 7.0 + REST_S
    assert after_time(OPEN_BY_CALLS, now_s=36.9) is OPEN_BY_CALLS
    tried = after_time(OPEN_BY_CALLS, now_s=37.0)
    assert (tried.state, tried.until_s) == (State.HALF_OPEN, 37.0 + TRIAL_S)
    assert calls.after_good(tried, began_s=38.0) == CLOSED
    again = failed(tried, 40.0)
    assert (again.state, again.until_s, again.since_s) == (State.OPEN, 40.0 + 2 * REST_S, 7.0)


def test_a_trial_that_nothing_is_heard_of_closes_it() -> None:
    silent = after_time(after_time(OPEN_BY_CALLS, now_s=37.0), now_s=37.0 + TRIAL_S)
    assert silent == Circuit(rests=1), "nothing was proved, so the next rest is longer"


def test_rests_grow_to_a_bound() -> None:
    assert [rest_s(times) for times in (0, 1, 2, 4)] == [30.0, 60.0, 120.0, 480.0]
    assert rest_s(10_000) == REST_S_MAX


def test_what_began_before_it_opened_says_how_it_was_then() -> None:
    assert calls.after_good(OPEN_BY_CALLS, began_s=6.0) is OPEN_BY_CALLS
    assert calls.after_good(OPEN_BY_CALLS, began_s=8.0) == CLOSED
    assert failed(OPEN_BY_CALLS, 9.0) is OPEN_BY_CALLS


@pytest.mark.parametrize(
    ("status", "retry_after_s", "cause"),
    [
        (200, None, None),
        (400, None, None),
        (404, 3600.0, None),
        (429, None, None),
        (429, 60.0, None),  # clients wait that out themselves
        (429, 90.0, Cause.QUOTA),
        (500, None, Cause.FAILING),
        (529, 3600.0, Cause.FAILING),
    ],
)
def test_what_a_calls_status_says(
    status: int, retry_after_s: float | None, cause: Cause | None
) -> None:
    found = calls.of_status(status, retry_after_s, name="opus", now_s=0.0)
    assert (found.cause if found else None) is cause


def test_a_quota_holds_until_the_provider_said_and_no_longer_than_a_day() -> None:
    asked = calls.of_status(429, 3600.0, name="opus", now_s=10.0)
    assert asked is not None
    circuit = calls.after_bad(CLOSED, asked, now_s=10.0)
    assert (circuit.state, circuit.until_s) == (State.OPEN, 3610.0)
    assert after_time(circuit, now_s=3610.0).state is State.HALF_OPEN
    year = calls.of_status(429, 31_536_000.0, name="opus", now_s=0.0)
    assert year is not None
    assert year.until_s == calls.QUOTA_S_MAX


def test_an_attempt_gives_up_after_its_executors_own_tries() -> None:
    assert not calls.gives_up(3, 0.0, now_s=7.0)
    assert not calls.gives_up(4, 0.0, now_s=4.9)
    assert calls.gives_up(4, 0.0, now_s=5.0)
