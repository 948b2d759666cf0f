"""A server that keeps failing rests, then one question tries it."""

from agentctl.opa.breaker import FAILURES_MAX, REST_S, Breaker


def broken(now_s: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_MAX):
        breaker = breaker.failed(now_s)
    return breaker


def test_fewer_failures_than_the_bound_change_nothing() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_MAX - 1):
        breaker = breaker.failed(0.0)
    assert breaker.entered(0.0) is not None
    assert breaker.answered() == Breaker()


def test_it_rests_after_failures_in_a_row() -> None:
    assert broken().entered(REST_S - 0.01) is None


def test_then_one_is_let_through_and_no_second() -> None:
    tried = broken().entered(REST_S)
    assert tried is not None
    assert tried.entered(REST_S) is None


def test_an_answer_closes_it_a_failure_lets_it_rest_again() -> None:
    tried = broken().entered(REST_S)
    assert tried is not None
    assert tried.answered() == Breaker()
    again = tried.failed(REST_S)
    assert again.entered(2 * REST_S - 0.01) is None
    assert again.entered(2 * REST_S) is not None
