"""Coming back to a hub that was away: waits that grow and spread, and an SVID in time."""

from pathlib import Path
from typing import Any

import pytest

from agentd.backoff import Backoff
from agentd.door import Answer, DoorClosed, Line
from agentd.hub_errors import HubAway, HubRefused
from agentd.identity import Identity


def test_waits_double_up_to_the_most_and_start_again_after_a_success() -> None:
    backoff = Backoff(first_s=0.1, most_s=1.0, random_unit=lambda: 1.0)
    waits = [backoff.failed() for _ in range(5)]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0])
    backoff.succeeded()
    assert backoff.failed() == pytest.approx(0.1)


def test_waits_spread_over_their_upper_half() -> None:
    assert Backoff(first_s=1, most_s=1, random_unit=lambda: 0.0).failed() == 0.5


def test_the_hub_s_own_wish_counts_but_not_beyond_the_most() -> None:
    backoff = Backoff(first_s=0.1, most_s=5.0, random_unit=lambda: 1.0)
    assert backoff.failed(retry_after_s=2) == 2
    assert backoff.failed(retry_after_s=3600) == 5.0


def test_a_year_of_failures_is_no_overflow() -> None:
    backoff = Backoff(random_unit=lambda: 1.0)
    assert max(backoff.failed() for _ in range(10_000)) == 5.0


class _Till(Line):
    """Sells SVIDs, or fails as told."""

    def __init__(self) -> None:
        super().__init__("/nowhere")
        self.sold = 0
        self.next: Answer | DoorClosed | None = None

    def call(self, *_args: Any, **_named: Any) -> Answer:
        if isinstance(self.next, DoorClosed):
            raise self.next
        if self.next is not None:
            return self.next
        self.sold += 1
        return Answer(status=200, body={"svid": f"svid-{self.sold}", "expires_in_s": 300})


class _Now:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def test_an_svid_is_kept_to_half_its_life() -> None:
    till, now = _Till(), _Now()
    identity = Identity(till, "it1.x.y", now_s=now)
    assert identity.bearer() == "svid-1"
    now.s += 149
    assert identity.bearer() == "svid-1"
    now.s += 2
    assert identity.bearer() == "svid-2"


def test_an_svid_serves_its_second_half_while_none_can_be_bought() -> None:
    till, now = _Till(), _Now()
    identity = Identity(till, "it1.x.y", now_s=now)
    identity.bearer()
    till.next = DoorClosed("away")
    now.s += 299
    assert identity.bearer() == "svid-1"
    now.s += 2
    with pytest.raises(HubAway):
        identity.bearer()


def test_renouncing_an_old_svid_keeps_the_new_one() -> None:
    till, now = _Till(), _Now()
    identity = Identity(till, "it1.x.y", now_s=now)
    old = identity.bearer()
    identity.renounce(old)
    assert identity.bearer() == "svid-2"
    identity.renounce(old)
    assert identity.bearer() == "svid-2"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, HubAway), (429, HubAway), (503, HubAway), (403, HubRefused), (404, HubRefused)],
)
def test_only_a_final_answer_is_a_refusal(status: int, kind: type[Exception]) -> None:
    till = _Till()
    till.next = Answer(status=status, body={"detail": "no"})
    with pytest.raises(kind):
        Identity(till, "it1.x.y").bearer()


def test_a_token_stands_in_no_repr(tmp_path: Path) -> None:
    from agentd.identity import Svid

    assert "secret" not in repr(Svid(token="secret", renew_at_s=0, expires_at_s=0))
