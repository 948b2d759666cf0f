"""A pace: so many at once, then one at a time, by a clock that the test moves."""

from agentd.pace import Pace


def test_a_burst_then_one_at_a_time() -> None:
    now_s = [100.0]
    pace = Pace(every_s=10.0, burst=2, now_s=lambda: now_s[0])
    assert [pace.wait_s() for _ in range(3)] == [0.0, 0.0, 10.0]
    now_s[0] += 4.0
    assert pace.wait_s() == 6.0
    now_s[0] += 6.0
    assert [pace.wait_s() for _ in range(2)] == [0.0, 10.0]
    now_s[0] += 3600.0
    assert [pace.wait_s() for _ in range(3)] == [0.0, 0.0, 10.0]
