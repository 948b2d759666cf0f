"""What failed is tried again later and later, but within five minutes, and at once when it changed."""

from agentctl.reconcile.backoff import BACKOFF_MAX_S, Backoff, delay_s
from agentctl.reconcile.slots import Slot

SLOT = Slot(host="local", agent="researcher", replica=0)
OTHER = Slot(host="local", agent="researcher", replica=1)


def test_the_wait_doubles_up_to_its_bound() -> None:
    assert [delay_s(times) for times in (1, 2, 3, 4, 9, 10)] == [1, 2, 4, 8, 256, 300]
    assert delay_s(10_000) == BACKOFF_MAX_S


def test_a_failure_holds_its_place_back_until_its_time() -> None:
    backoff = Backoff().failed(SLOT, "spec-1", "no such image", now_s=100.0)
    waiting = backoff.waits(SLOT, "spec-1", now_s=100.5)
    assert waiting is not None
    assert waiting.error == "no such image"
    assert backoff.waits(SLOT, "spec-1", now_s=101.0) is None


def test_another_place_is_not_held_back() -> None:
    backoff = Backoff().failed(SLOT, "spec-1", "no such image", now_s=100.0)
    assert backoff.waits(OTHER, "spec-1", now_s=100.5) is None


def test_a_changed_spec_is_tried_at_once_and_counts_from_one() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff = backoff.failed(SLOT, "spec-1", "no such image", now_s=100.0)
    assert backoff.waits(SLOT, "spec-2", now_s=100.0) is None
    again = backoff.failed(SLOT, "spec-2", "no such image", now_s=100.0)
    assert again.failures[SLOT].times == 1


def test_what_proved_healthy_starts_anew() -> None:
    backoff = Backoff().failed(SLOT, "spec-1", "crashed", now_s=100.0).cleared(SLOT)
    assert backoff.failed(SLOT, "spec-1", "crashed", now_s=200.0).failures[SLOT].until_s == 201.0
