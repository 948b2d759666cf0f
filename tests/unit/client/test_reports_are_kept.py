"""Reports that a hub away didn't hear are told when it is back: in order, bounded, none twice."""

from typing import Any

import pytest

from agentctl.client.asking import REPORTS_KEPT_MAX, SENT_AT_ONCE_MAX, Reports, ask
from agentctl.errors import Conflict, HubUnavailable


class Hub:
    """Takes what it is told while it isn't `away`."""

    def __init__(self) -> None:
        self.why: Exception | None = None
        self.told: list[str] = []
        self.closed = 0

    def post(self, path: str, body: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if self.why is not None:
            raise self.why
        self.told.append(path)
        return {"path": path}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def reports(hub: Hub) -> Reports:
    return Reports(hub, timeout_s=1.0)


def unheard(hub: Hub, reports: Reports, count: int) -> None:
    hub.why = HubUnavailable("away")
    for each in range(count):
        reports.send(str(each), {})
    reports.send_kept()
    hub.why = None


def test_what_was_not_heard_is_told_in_order_and_once(hub: Hub, reports: Reports) -> None:
    unheard(hub, reports, 2)
    reports.send("c", {})
    reports.send_kept()
    reports.send_kept()
    assert hub.told == ["c", "0", "1"]


def test_what_the_hub_refuses_is_not_told_again(hub: Hub, reports: Reports) -> None:
    hub.why = Conflict("no")
    reports.send("a", {})
    hub.why = None
    reports.send_kept()
    assert hub.told == []


def test_the_newest_are_kept_and_sent_a_few_at_a_time(hub: Hub, reports: Reports) -> None:
    """Who has to cut what isn't wanted any more looks again in between."""
    unheard(hub, reports, REPORTS_KEPT_MAX + 5)
    reports.send_kept()
    assert hub.told == [str(each) for each in range(5, 5 + SENT_AT_ONCE_MAX)]
    reports.send_kept(at_most=REPORTS_KEPT_MAX)
    assert len(hub.told) == REPORTS_KEPT_MAX


def test_no_connection_is_kept(hub: Hub) -> None:
    assert ask(hub, "x", {}, timeout_s=1.0) == {"path": "x"}
    hub.why = HubUnavailable("away")
    with pytest.raises(HubUnavailable):
        ask(hub, "x", {}, timeout_s=1.0)
    assert hub.closed == 2
