"""A model that is away reads as that, and never as work that went where it may not."""

import socket
from pathlib import Path
from typing import Any

import pytest

from agentctl.demo import probe, tasks
from agentctl.errors import EXIT_UNAVAILABLE, Unavailable, UsageError

CONFIDENTIAL = tasks.three_tasks()[0]


def row(**changed: Any) -> dict[str, Any]:
    done = {"state": "completed", "boundary": "private", "error": None, "held_reason": None}
    return {**done, **changed}


def judged(**changed: Any) -> tuple[str, str]:
    found = row(**changed)
    return tasks.failed_with(found), tasks.wrong_with(CONFIDENTIAL, found, "")


def test_a_task_that_died_failed_and_is_not_wrong() -> None:
    assert judged() == ("", "")
    assert judged(state="dead", error="no answer") == ("dead: no answer", "")
    assert judged(state="held", boundary=None, held_reason="no key") == ("held: no key", "")


def test_a_task_that_crossed_its_boundary_is_wrong_whether_it_completed_or_not() -> None:
    assert judged(boundary="public") == ("", "crossed boundary public")
    assert judged(boundary="public", state="dead")[1] == "crossed boundary public"
    saw = f"... {CONFIDENTIAL.canary} ..."
    assert tasks.wrong_with(CONFIDENTIAL, row(), saw) == "its prompt was seen at the public model"


def test_the_last_word_tells_failed_from_misrouted() -> None:
    good, failed = {"wrong": None, "failed": None}, {"wrong": None, "failed": "dead: x"}
    assert tasks.verdict([good, good]) == ""
    assert tasks.verdict([good, failed]) == (
        "1 of the demo's 2 tasks failed; none went where it may not"
    )
    assert tasks.verdict([failed, {"wrong": "crossed", "failed": None}]) == (
        "1 of the demo's 2 tasks went where they may not"
    )


def sample(tmp_path: Path, port: int) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "providers.yaml").write_text(
        f"providers:\n  qwen: {{kind: ollama, base_url: 'http://127.0.0.1:{port}',"
        " model: qwen3, boundary: private}\n"
    )
    return tmp_path


def test_a_provider_that_is_away_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        port = free.getsockname()[1]
        with pytest.raises(Unavailable) as raised:
            probe.require_reachable(sample(tmp_path, port), ("qwen",))
    assert raised.value.exit_code == EXIT_UNAVAILABLE
    assert raised.value.detail == (
        f"provider qwen can't be reached at http://127.0.0.1:{port}: Connection refused"
    )


def test_a_provider_that_is_there_is_let_through_and_an_unknown_one_isnt(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = sample(tmp_path, server.getsockname()[1])
        probe.require_reachable(found, ("qwen",))
        with pytest.raises(UsageError, match="the sample declares qwen"):
            probe.require_reachable(found, ("gwen",))
