"""The hub's book of alerts: fired, told, resolved, kept; with the journal's lines."""

from typing import Any

import pytest

from agentctl.errors import StateDamaged, StoreUnavailable
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.model.task import NewTask
from agentctl.service import alerts, files, model_calls, modes, reconciling, views
from agentctl.service.live import Live
from agentctl.service.poll import poll
from agentctl.service.submit import submit
from agentctl.store import alerts as alert_table
from agentctl.store import journal
from tests.unit.service.conftest import ADMIN, HubAtHand

VIEWER = OperatorPrincipal(name="v", role=Role.VIEWER)
ORPHAN = {"check": "orphan", "subject": "local/x", "severity": "warning", "words": "no record"}


def firing(at: HubAtHand) -> list[str]:
    rows = alerts.show(at.hub, VIEWER, every=False)["alerts"]
    return [f"{each['check']} {each['subject']}".strip() for each in rows]


def report(at: HubAtHand, *findings: dict[str, str], told: int = 0) -> list[str]:
    found = alerts.reported(at.hub, {"findings": list(findings), "told": told})["alerts"]
    return [f"{each['seq']} {each['state']} {each['check']}" for each in found]


def lines(at: HubAtHand) -> list[str]:
    with at.hub.store.read() as txn:
        found = [each.entry for each in journal.read(txn)]
    return [
        f"{each.kind} {each.facts['check']}" for each in found if each.kind.startswith("alert.")
    ]


def test_a_held_task_is_an_alert_until_it_is_cancelled(at_hand: HubAtHand) -> None:
    nobody = NewTask(prompt="x", sensitivity="confidential", capabilities=("deep-reasoning",))
    submit(at_hand.hub, nobody, ADMIN)
    alerts.look(at_hand.hub)
    assert firing(at_hand) == ["tasks-held"]
    assert views.status(at_hand.hub, VIEWER)["alerts"][0]["check"] == "tasks-held"
    assert "agentctl_alerts_firing 1" in views.metrics(at_hand.hub)


def test_the_checks_run_at_their_pace_and_at_once_when_the_mode_changes(
    at_hand: HubAtHand,
) -> None:
    alerts.check_when_due(at_hand.hub)
    modes.set_mode(at_hand.hub, ADMIN, mode="paused", reason="upgrade")
    alerts.check_when_due(at_hand.hub)
    assert firing(at_hand) == ["mode paused"]
    modes.set_mode(at_hand.hub, ADMIN, mode="normal", reason="")
    alerts.check_when_due(at_hand.hub)
    assert firing(at_hand) == []
    assert lines(at_hand) == ["alert.firing mode", "alert.resolved mode"]


def test_what_the_reconciler_found_is_given_to_it_until_the_sinks_were_told(
    at_hand: HubAtHand,
) -> None:
    assert report(at_hand, ORPHAN) == ["1 firing orphan"]
    assert report(at_hand, ORPHAN) == ["1 firing orphan"]
    assert report(at_hand, ORPHAN, told=1) == []
    assert report(at_hand) == ["2 resolved orphan"]


def test_one_that_came_and_went_before_anybody_was_told_is_told_as_it_is_now(
    at_hand: HubAtHand,
) -> None:
    report(at_hand, ORPHAN)
    assert report(at_hand) == ["2 resolved orphan"]


def test_a_number_that_was_never_given_counts_for_nothing(at_hand: HubAtHand) -> None:
    report(at_hand, ORPHAN)
    assert report(at_hand, ORPHAN, told=99) == ["1 firing orphan"]


def test_the_book_and_how_far_it_was_told_outlive_a_restart(at_hand: HubAtHand) -> None:
    report(at_hand, ORPHAN)
    report(at_hand, ORPHAN, told=1)
    at_hand.hub.live = Live()
    alerts.load(at_hand.hub)
    assert firing(at_hand) == ["orphan local/x"]
    assert report(at_hand, told=0) == ["2 resolved orphan"]


def test_an_alert_that_goes_on_writes_nothing(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(at_hand, ORPHAN, told=0)
    written: list[Any] = []
    monkeypatch.setattr(at_hand.hub.store, "write", written.append)
    at_hand.clock.advance(60.0)
    report(at_hand, ORPHAN)
    alerts.look(at_hand.hub)
    assert written == []


def test_with_a_store_that_cannot_write_alerts_go_on_and_are_written_later(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(work: Any) -> Any:
        raise StoreUnavailable("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(at_hand.hub.store, "write", full)
        assert report(at_hand, ORPHAN) == ["1 firing orphan"]
    assert lines(at_hand) == []
    report(at_hand, ORPHAN)
    assert lines(at_hand) == ["alert.firing orphan"]
    with at_hand.hub.store.read() as txn:
        assert [each.check for each in alert_table.all(txn)] == ["orphan"]


def test_a_damaged_record_is_an_alert_and_resolves_no_other(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes.set_mode(at_hand.hub, ADMIN, mode="paused", reason="x")
    alerts.look(at_hand.hub)

    def damaged(hub: Any) -> Any:
        raise StateDamaged("record task-1 of table tasks is damaged")

    with monkeypatch.context() as patched:
        patched.setattr(alerts, "snapshot", damaged)
        alerts.look(at_hand.hub)
        alerts.look(at_hand.hub)
        assert sorted(firing(at_hand)) == ["mode paused", "state-damaged"]
    alerts.look(at_hand.hub)
    assert firing(at_hand) == ["mode paused"]


def test_a_provider_that_fails_the_gateways_calls_is_an_alert_until_it_answers(
    at_hand: HubAtHand,
) -> None:
    who = at_hand.born("researcher", container="c-1")
    task, _ = submit(at_hand.hub, NewTask(prompt="x"), ADMIN)
    (given,) = poll(at_hand.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)

    def call(status: str) -> None:
        opened = model_calls.open_call(
            at_hand.hub,
            {
                "token": given["payload"]["model_token"],
                "container": "c-1",
                "provider": "ollama",
                "path": "/v1/messages",
                "model": "qwen3",
            },
        )
        model_calls.usage(at_hand.hub, opened["call"], {"status": status})
        alerts.look(at_hand.hub)

    for _ in range(3):
        assert firing(at_hand) == []
        call("upstream-failed")
    assert firing(at_hand) == ["provider ollama"]
    call("200")
    assert firing(at_hand) == []
    assert task.id


def test_work_that_nobody_takes_for_the_window_says_that_nobody_is_there(
    at_hand: HubAtHand,
) -> None:
    submit(at_hand.hub, NewTask(prompt="x"), ADMIN)
    at_hand.clock.advance(301.0)
    alerts.look(at_hand.hub)
    assert "throughput no-capacity" in firing(at_hand)
    who = at_hand.born("researcher")
    assert poll(at_hand.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    alerts.look(at_hand.hub)
    assert firing(at_hand) == []


def test_drift_that_lasts_is_an_alert_and_goes_with_the_first_converged_pass(
    at_hand: HubAtHand,
) -> None:
    action = {
        "verb": "create",
        "host": "local",
        "agent": "researcher",
        "replica": 0,
        "causes": [],
        "state": "pending",
        "error": "",
    }
    apart = {"generation": 1, "converged": False, "actions": [action], "hosts": []}
    reconciling.record_pass(at_hand.hub, apart)
    at_hand.clock.advance(601.0)
    reconciling.record_pass(at_hand.hub, apart)
    alerts.look(at_hand.hub)
    assert firing(at_hand) == ["drift"]
    reconciling.record_pass(at_hand.hub, {**apart, "converged": True, "actions": []})
    alerts.look(at_hand.hub)
    assert firing(at_hand) == []


def test_files_that_are_not_applied_are_one_alert_however_often_they_are_told(
    at_hand: HubAtHand,
) -> None:
    now_s = at_hand.clock.wall_s()
    for _ in range(2):
        at_hand.hub.live.checked_s = 5.0
        files.followed(at_hand.hub, ADMIN, broken="no such provider", since_s=now_s - 60)
    assert at_hand.hub.live.checked_s == 5.0  # the second word was no news
    assert files.as_row(at_hand.hub) == {"broken": "no such provider", "since_s": now_s - 60}
    alerts.look(at_hand.hub)
    assert firing(at_hand) == ["files"]
    files.followed(at_hand.hub, ADMIN, broken="")
    alerts.look(at_hand.hub)
    assert firing(at_hand) == []


def test_a_time_to_come_is_not_since_when(at_hand: HubAtHand) -> None:
    now_s = at_hand.clock.wall_s()
    files.followed(at_hand.hub, ADMIN, broken="x", since_s=now_s + 1e9)
    assert files.as_row(at_hand.hub) == {"broken": "x", "since_s": now_s}


def test_a_strangers_look_at_the_metrics_reads_no_record(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They need no credential: a thousand containers are not a thousand records to decode for each."""
    at_hand.born("researcher")
    monkeypatch.setattr("agentctl.store.instances.get", pytest.fail)
    assert "agentctl_instances 1" in views.metrics(at_hand.hub)
