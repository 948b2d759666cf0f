"""Each way the real Claude Code CLI ends, provoked through a stand-in model, as agentd reports it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.agentd_process import Agentd, gone, running
from tests.fakes.hub_for_agentd import HubForAgentd, model_token
from tests.fakes.model_for_agentd import (
    Hang,
    ModelForAgentd,
    Refuse,
    Say,
    Step,
    UseTool,
    tool_results,
)

pytestmark = [pytest.mark.claude, pytest.mark.timeout(120)]

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
SLEEPS = "echo $$ > pid; mv pid begun; exec sleep 300"


@contextmanager
def _cli(
    hub: HubForAgentd, folder: Path, claude: Path, *args: str, **boot: Any
) -> Iterator[Agentd]:
    path = f"{claude.parent}:/usr/local/bin:/usr/bin:/bin"
    executor = {"kind": "claude-code", "args": list(args), "argv": []}
    with running(hub, folder, env={"PATH": path}, executor=executor, **boot) as agentd:
        yield agentd


def _failed(hub: HubForAgentd, *, within_s: float = 90) -> dict[str, Any]:
    payload: dict[str, Any] = hub.wait_for_message("task.failed", within_s=within_s)["payload"]
    return payload


def _bash(text: str) -> Step:
    return UseTool(name="Bash", input={"command": text, "description": "as the test wants it"})


def _has(body: dict[str, Any], tool: str) -> bool:
    return any(each["name"] == tool for each in body.get("tools", []))


def _task(budget: dict[str, Any]) -> dict[str, Any]:
    return {"budget": {"usd": None, "tokens": None, "turns": None} | budget}


def test_success_carries_text_usage_cost_turns_and_session(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    with _cli(hub, folder, claude):
        task = hub.give(prompt="-p say hello")  # a leading dash is no flag on standard input
        done = hub.wait_for_message("task.completed", within_s=60)["payload"]
    assert done["text"] == "hello from the stand-in"
    assert done["usage"]["output_tokens"] == 5
    assert done["turns"] == 1
    assert done["cost_usd"] > 0
    assert len(done["session"]) == 36
    path, authorization, body = model.requests[0]
    assert path.startswith("/claude-opus/v1/messages")
    assert authorization == f"Bearer {model_token(task, 1)}"
    assert body["model"] == "opus-stand-in"
    assert "-p say hello" in str(body["messages"])


def test_a_tool_works_and_sees_the_task_s_own_token_alone(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda body: Say() if tool_results(body) else _bash("env > seen")
    with _cli(hub, folder, claude, "--allowedTools", "Bash") as agentd:
        task = hub.give()
        done = hub.wait_for_message("task.completed", within_s=60)["payload"]
        seen = (agentd.workspace / "seen").read_text()
        assert done["turns"] == 2
        assert hub.instance_tokens.isdisjoint(seen.split("\n"))
        for hidden in ("it1.", "svid", "PYTHONPATH"):
            assert hidden not in seen
        assert model_token(task, 1) in seen


def test_a_denied_tool_is_no_failure(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda body: Say(text="I may not") if tool_results(body) else _bash("touch x")
    with _cli(hub, folder, claude) as agentd:
        hub.give()
        done = hub.wait_for_message("task.completed", within_s=60)["payload"]
        assert not (agentd.workspace / "x").exists()
    assert done["text"] == "I may not"


def test_structured_output_that_meets_the_schema_stands_in_the_result(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda body: (
        UseTool(name="StructuredOutput", input={"n": 7})
        if _has(body, "StructuredOutput") and not tool_results(body)
        else Say()
    )
    with _cli(hub, folder, claude):
        hub.give(output_schema=SCHEMA)
        done = hub.wait_for_message("task.completed", within_s=60)["payload"]
    assert done["structured"] == {"n": 7}


def test_a_schema_that_is_not_met_is_a_failure_though_the_cli_says_success(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    with _cli(hub, folder, claude):
        hub.give(output_schema=SCHEMA)
        failed = _failed(hub)
    assert (failed["reason"], failed["retryable"]) == ("no_structured_output", False)
    assert failed["text"] == "hello from the stand-in"


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (400, False), (529, True)])
def test_an_api_error_is_one_though_its_subtype_says_success(
    hub: HubForAgentd,
    folder: Path,
    model: ModelForAgentd,
    claude: Path,
    status: int,
    retryable: bool,
) -> None:
    model.script = lambda _body: Refuse(status=status)
    with _cli(hub, folder, claude):
        hub.give()
        failed = _failed(hub)
    assert (failed["reason"], failed["retryable"]) == ("api_error", retryable)
    assert failed["detail"].startswith(f"the model's API answered {status}")


def test_a_gateway_that_is_away_is_a_retryable_api_error(
    hub: HubForAgentd, folder: Path, claude: Path
) -> None:
    with _cli(hub, folder, claude):
        hub.give()
        failed = _failed(hub)
    assert (failed["reason"], failed["retryable"]) == ("api_error", True)


def test_too_many_turns_says_so_with_what_they_cost(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda _body: _bash("true")
    with _cli(hub, folder, claude, "--allowedTools", "Bash"):
        hub.give(**_task({"turns": 2}))
        failed = _failed(hub)
    assert (failed["reason"], failed["retryable"]) == ("max_turns", False)
    assert failed["usage"]["output_tokens"] == 10


def test_a_budget_of_dollars_ends_the_task(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda _body: _bash("true")
    with _cli(hub, folder, claude, "--allowedTools", "Bash"):
        hub.give(**_task({"usd": 0.000001}))
        failed = _failed(hub)
    assert failed["reason"] == "max_budget"
    assert failed["cost_usd"] > 0


def test_a_budget_of_tokens_ends_the_task(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda _body: _bash("true")
    with _cli(hub, folder, claude, "--allowedTools", "Bash"):
        hub.give(**_task({"tokens": 30}))
        failed = _failed(hub)
    assert (failed["reason"], failed["detail"]) == (
        "max_budget",
        "the task's token budget is spent",
    )


def test_a_flag_that_the_cli_does_not_know_is_a_bad_command(
    hub: HubForAgentd, folder: Path, claude: Path
) -> None:
    with _cli(hub, folder, claude, "--no-such-flag"):
        hub.give()
        failed = _failed(hub)
    assert (failed["reason"], failed["retryable"]) == ("bad_command", False)
    assert "unknown option '--no-such-flag'" in failed["detail"]


def test_an_operator_s_flags_do_not_change_what_agentd_reads(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    with _cli(hub, folder, claude, "--output-format", "text", "--model", "another"):
        hub.give()
        done = hub.wait_for_message("task.completed", within_s=60)["payload"]
    assert done["text"] == "hello from the stand-in"
    assert {body["model"] for _, _, body in model.requests} == {"opus-stand-in"}


def test_no_cli_on_the_path_is_a_bad_command(hub: HubForAgentd, folder: Path) -> None:
    executor = {"kind": "claude-code", "args": [], "argv": []}
    with running(hub, folder, executor=executor):
        hub.give()
        failed = _failed(hub)
    assert failed["reason"] == "bad_command"
    assert failed["detail"].startswith("no `claude` is on the PATH that `agentctl serve` was")


def test_a_cancel_ends_the_cli_and_its_tool_within_two_seconds(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda _body: _bash(SLEEPS)
    with _cli(hub, folder, claude, "--allowedTools", "Bash") as agentd:
        task = hub.give()
        begun = agentd.workspace / "begun"
        hub.wait_for(begun.exists, within_s=60)
        asked_s = time.monotonic()
        hub.cancel(task)
        assert gone(int(begun.read_text()), within_s=2)
        failed = _failed(hub, within_s=2)
        assert time.monotonic() - asked_s < 2
    assert failed["reason"] == "cancelled"
    assert len(failed["session"]) == 36


def test_sigterm_to_agentd_ends_the_cli_and_reports_what_was_said(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda _body: _bash(SLEEPS)
    with _cli(hub, folder, claude, "--allowedTools", "Bash", grace_s=2) as agentd:
        hub.give()
        hub.wait_for((agentd.workspace / "begun").exists, within_s=60)
        agentd.terminate()
        assert agentd.exit_code(within_s=5) == 0
    failed = hub.sent("task.failed")[0]["payload"]
    assert (failed["reason"], failed["retryable"]) == ("stopped", True)
    assert failed["turns"] == 1


def test_a_model_that_says_nothing_is_ended_by_the_task_s_timeout(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda _body: Hang()
    with _cli(hub, folder, claude):
        hub.give(timeout_s=4)
        failed = _failed(hub)
    assert failed["reason"] == "timeout"


def test_a_cli_that_is_killed_is_a_crash_worth_another_try(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda body: Say() if tool_results(body) else _bash("kill -9 $PPID; sleep 300")
    with _cli(hub, folder, claude, "--allowedTools", "Bash"):
        hub.give()
        failed = _failed(hub)
    assert (failed["reason"], failed["retryable"]) == ("crashed", True)
    assert failed["detail"].startswith("the CLI was ended by signal 9")


def test_progress_is_told_while_the_cli_works(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    model.script = lambda body: Say() if tool_results(body) >= 3 else _bash("true")
    with _cli(hub, folder, claude, "--allowedTools", "Bash"):
        hub.give()
        progress = hub.wait_for_message("task.progress", within_s=60)["payload"]
        hub.wait_for_message("task.completed", within_s=60)
    assert progress["turns"] >= 1
    assert progress["input_tokens"] >= 12
