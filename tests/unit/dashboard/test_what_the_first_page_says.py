"""The sentence that an eye takes in first, and what is listed below it."""

from typing import Any

from agentctl.dashboard.overview import Overview, overview

STATES = (
    "held",
    "queued",
    "leased",
    "running",
    "completed",
    "failed",
    "cancelled",
    "timed_out",
    "dead",
)


def mode(name: str = "normal", reason: str = "") -> dict[str, Any]:
    return {
        "mode": name,
        "reason": reason,
        "since_s": 5.0,
        "who": "",
        "causes": [],
        "hosts_down": [],
    }


def alert(check: str, severity: str, words: str = "x", state: str = "firing") -> dict[str, Any]:
    return {
        "check": check,
        "subject": "",
        "severity": severity,
        "state": state,
        "words": words,
        "since_s": 9.0,
        "count": 1,
    }


def shown(now_s: float = 90_000.0, **more: Any) -> Overview:
    status = {
        "mode": more.get("mode", mode()),
        "alerts": more.get("alerts", []),
        "tasks": dict.fromkeys(STATES, 0),
        "hosts": [],
        "generation": more.get("generation", {"number": 1}),
        "converged": True,
    }
    board = {
        "levels": [],
        "whole": True,
        "held": more.get("held", {}),
        "held_oldest_s": None,
        "minutes": [(0, 0)] * 60,
        "cost_usd": 1.5,
        "cost_since_s": more.get("cost_since_s", 0.0),
    }
    agents: dict[str, Any] = {"agents": [], "unusable": {}, "away": {}}
    return overview(status, agents, board, {"tasks": [], "next": None}, now_s=now_s)


def test_a_fleet_that_works_says_so() -> None:
    found = shown()
    assert (found.verdict, found.look.kind) == ("All is well", "ok")
    assert shown(generation=None).verdict == "Up, and nothing is applied yet"


def test_the_worst_is_said_first() -> None:
    warning, critical = alert("drift", "warning"), alert("engine", "critical")
    assert shown(alerts=[warning]).verdict == "Works; 1 thing to look at"
    both = shown(alerts=[warning, critical, critical])
    assert (both.verdict, both.look.kind) == ("2 things need you now", "bad")
    assert [each.check for each in both.needs] == ["engine", "engine", "drift"]
    down = shown(mode=mode("degraded", "the store can't write"), alerts=[critical])
    assert (down.verdict, down.look.kind) == ("Degraded: the store can't write", "bad")
    assert shown(mode=mode("paused")).look.kind == "hold"


def test_each_alert_leads_on_to_a_command_unless_its_words_name_one() -> None:
    found = shown(
        alerts=[alert("engine", "critical"), alert("drift", "warning", "`agentctl plan`")]
    )
    assert [each.act for each in found.needs] == ["agentctl status", ""]


def test_why_tasks_are_held_is_said_once_with_the_rarest_reasons_together() -> None:
    held = {f"reason {at}": 10 - at for at in range(7)}
    found = shown(held=held, alerts=[alert("tasks-held", "warning")])
    assert found.needs == ()
    assert found.verdict == "Works; 1 thing to look at"
    assert found.held == (
        (10, "reason 0"),
        (9, "reason 1"),
        (8, "reason 2"),
        (7, "reason 3"),
        (6, "reason 4"),
        (9, "of other reasons"),
    )


def test_what_is_not_known_of_the_days_cost_is_not_claimed() -> None:
    assert shown().cost_since == "today, UTC"
    found = shown(cost_since_s=88_000.0)
    assert (found.cost, found.cost_since, found.cost_since_s) == ("$1.50", "since", 88_000.0)


def test_many_alerts_are_counted_not_listed() -> None:
    found = shown(alerts=[alert(f"c{at}", "warning") for at in range(40)])
    assert (len(found.needs), found.needs_more) == (12, 28)
