"""What apply makes of the reconciler's passes: done, failed, or something to wait for."""

from pathlib import Path
from typing import Any

import pytest

from agentctl.cli import Settings
from agentctl.cli import watch as watching
from agentctl.cli.watch import Outcome, Progress, verdict
from agentctl.errors import EXIT_PARTIAL, PartlyFailed


def action(state: str, error: str = "", causes: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "verb": "create",
        "host": "local",
        "agent": "researcher",
        "replica": 0,
        "causes": list(causes),
        "state": state,
        "error": error,
    }


def seen(*actions: dict[str, Any], converged: bool = False, away: str = "") -> dict[str, Any]:
    hosts = [{"name": "local", "reachable": not away, "error": away}]
    return {"generation": 1, "converged": converged, "actions": list(actions), "hosts": hosts}


def problem(found: Outcome | None) -> str:
    assert found is not None
    return found.problem


def test_a_converged_pass_is_the_end() -> None:
    found = verdict(seen(action("done"), converged=True))
    assert found is not None
    assert found.converged


def test_what_is_on_its_way_is_waited_for_whatever_else_failed() -> None:
    assert verdict(seen(action("failed", "no such image"), action("running"))) is None


def test_a_failed_action_is_the_end_and_named() -> None:
    found = verdict(seen(action("failed", "no such image"), action("done")))
    assert problem(found) == "create local researcher/0: no such image"


def test_an_action_held_back_by_an_earlier_failure_counts_as_failed() -> None:
    found = verdict(seen(action("waiting", "no such image (failed 2 times)")))
    assert problem(found) == "create local researcher/0: no such image (failed 2 times)"


def test_a_drain_is_waited_for() -> None:
    assert verdict(seen(action("waiting", causes=("waits for task-1",)))) is None


def test_an_unreachable_host_is_the_end_and_named() -> None:
    assert problem(verdict(seen(away="refused"))) == "local is unreachable: refused"


def test_what_did_not_converge_exits_with_partly_failed() -> None:
    found = verdict(seen(action("failed", "x")))
    assert found is not None
    with pytest.raises(PartlyFailed) as raised:
        found.raise_failure()
    assert raised.value.exit_code == EXIT_PARTIAL


def test_each_change_of_an_action_is_said_once() -> None:
    said: list[str] = []
    progress = Progress(said.append)
    for state in ("pending", "running", "running", "done"):
        progress.show(seen(action(state)))
    progress.show(seen(action("waiting", causes=("image: a → b", "waits for task-1"))))
    assert said == [
        "  create local researcher/0: running",
        "  create local researcher/0: done",
        "  create local researcher/0: waiting (waits for task-1)",
    ]


class PassesInTurn:
    """A hub that shows one pass after the other, the last one for ever."""

    def __init__(self, *passes: dict[str, Any]) -> None:
        self.passes = list(passes)

    def get(self, path: str) -> dict[str, Any]:
        return self.passes.pop(0) if len(self.passes) > 1 else self.passes[0]


def watched(monkeypatch: pytest.MonkeyPatch, *passes: dict[str, Any], again: bool) -> Outcome:
    monkeypatch.setattr(watching, "connect", lambda _settings: PassesInTurn(*passes))
    monkeypatch.setattr(watching, "POLL_S", 0.0)
    settings = Settings(project=Path(), state=Path("/s"), hub="", output="text", debug=False)
    return watching.watch(
        settings, generation=1, again=again, timeout_s=5.0, settled=lambda: True, quiet=True
    )


def test_a_pass_over_an_older_generation_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    older = {**seen(converged=True), "generation": 0}
    found = watched(monkeypatch, older, seen(action("failed", "x")), again=False)
    assert problem(found) == "create local researcher/0: x"


def test_failures_from_before_are_waited_out_when_the_same_is_applied_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = seen(action("waiting", "no such image (failed 2 times)"))
    assert watched(monkeypatch, held, seen(converged=True), again=True).converged


def test_what_takes_too_long_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(project=Path(), state=Path("/s"), hub="", output="text", debug=False)
    waiting = seen(action("waiting", causes=("waits for task-1",)))
    monkeypatch.setattr(watching, "connect", lambda _settings: PassesInTurn(waiting))
    monkeypatch.setattr(watching, "POLL_S", 0.0)
    found = watching.watch(
        settings, generation=1, again=False, timeout_s=0.05, settled=lambda: True, quiet=True
    )
    assert problem(found) == (
        "generation 1 has not converged within 0.05 s;"
        " create local researcher/0: waiting (waits for task-1)"
    )
