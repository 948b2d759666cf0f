"""A task through agentd's command executor, as the wire shows it."""

from pathlib import Path

from tests.fakes.agentd_process import command, running, secrets
from tests.fakes.hub_for_agentd import INSTANCE_TOKEN, HubForAgentd, model_token, task_id


def test_a_task_is_accepted_then_completed_with_what_the_command_printed(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder, executor=command("tr", "a-z", "A-Z")):
        hub.give(prompt="hello")
        done = hub.wait_for_message("task.completed")
    assert done["payload"]["text"] == "HELLO"
    assert hub.types() == ["task.accepted", "task.completed"]


def test_the_next_task_follows_at_once_when_the_slot_is_free(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder):
        for number in (1, 2, 3):
            hub.give(number, prompt=f"task {number}")
        hub.wait_for(lambda: len(hub.sent("task.completed")) == 3, within_s=10)
    texts = [each["payload"]["text"] for each in hub.sent("task.completed")]
    assert texts == ["task 1", "task 2", "task 3"]


def test_polls_say_what_is_held_and_that_no_slot_is_free_while_working(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder, executor=command("sleep", "60")):
        task = hub.give()
        hub.wait_for(lambda: [p for p in hub.polls() if "holds" in p.query])
        poll = next(each for each in hub.polls() if "holds" in each.query)
        assert poll.query["holds"] == [f"{task}:1"]
        assert poll.query["slots"] == ["0"]


def test_heartbeats_name_the_attempt_while_it_runs(hub: HubForAgentd, folder: Path) -> None:
    held = [{"task": task_id(1), "attempt": 1}]
    with running(hub, folder, executor=command("sleep", "60")):
        hub.give()
        hub.wait_for(
            lambda: [b for b in hub.sent("agent.heartbeat") if b["payload"]["holds"] == held]
        )


def test_a_failing_command_says_how_it_ended_and_keeps_what_it_printed(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder, executor=command("sh", "-c", "echo half; echo why >&2; exit 3")):
        hub.give()
        failed = hub.wait_for_message("task.failed")["payload"]
    assert failed["reason"] == "crashed"
    assert failed["detail"] == "the program exited with 3: why"
    assert failed["text"] == "half\n"
    assert failed["partial"] is True
    assert failed["retryable"] is False


def test_a_command_that_is_not_there_is_a_bad_command(hub: HubForAgentd, folder: Path) -> None:
    with running(hub, folder, executor=command("/no/such/program")):
        hub.give()
        failed = hub.wait_for_message("task.failed")["payload"]
    assert failed["reason"] == "bad_command"
    assert failed["detail"] == "/no/such/program can't be started: No such file or directory"


def test_output_over_the_bound_is_cut_and_says_so(hub: HubForAgentd, folder: Path) -> None:
    with running(hub, folder, executor=command("head", "-c", "5000000", "/dev/zero")):
        hub.give()
        text = hub.wait_for_message("task.completed")["payload"]["text"]
    assert "cut here by agentd" in text[-80:]


def test_structured_output_is_read_from_the_command_when_a_schema_was_asked(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder):
        hub.give(1, prompt='{"n": 7}', output_schema={"type": "object"})
        assert hub.wait_for_message("task.completed")["payload"]["structured"] == {"n": 7}
        hub.give(2, prompt="not json", output_schema={"type": "object"})
        assert hub.wait_for_message("task.failed")["payload"]["reason"] == "no_structured_output"


def test_the_program_sees_its_task_and_model_and_nothing_of_agentd(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(
        hub,
        folder,
        executor=command("env"),
        env={"AGENTD_LEAKS": "no"},
        secrets=secrets(github="s3cr3t"),
    ):
        hub.give()
        text = hub.wait_for_message("task.completed")["payload"]["text"]
    names = sorted(line.partition("=")[0] for line in text.splitlines())
    assert names == [
        "AGENTCTL_ATTEMPT",
        "AGENTCTL_MCP_SOCKET",
        "AGENTCTL_TASK",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL",
        "ANTHROPIC_DEFAULT_OPUS_MODEL",
        "ANTHROPIC_DEFAULT_SONNET_MODEL",
        "ANTHROPIC_MODEL",
        "HOME",
        "LANG",
        "PATH",
    ]
    assert "ANTHROPIC_AUTH_TOKEN=[the model token]" in text


def test_no_token_prompt_or_secret_reaches_the_log_or_the_process_table(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(
        hub,
        folder,
        executor=command("sh", "-c", "env >&2; exit 1"),
        secrets=secrets(github="s3cr3t"),
    ) as agentd:
        task = hub.give(prompt="the prompt itself")
        failed = hub.wait_for_message("task.failed")
        visible = b"".join(
            Path(f"/proc/{agentd.process.pid}/{name}").read_bytes()
            for name in ("environ", "cmdline")
        ).decode()
        agentd.terminate()
        assert agentd.exit_code() == 0
        visible += agentd.log() + str(failed)
    for hidden in (INSTANCE_TOKEN, model_token(task, 1), "svid", "the prompt itself", "s3cr3t"):
        assert hidden not in visible


def test_secrets_are_files_that_only_the_owner_reads(hub: HubForAgentd, folder: Path) -> None:
    with running(hub, folder, secrets=secrets(github="s3cr3t")):
        hub.wait_for(hub.polls)
    placed = folder / "secrets" / "github"
    assert placed.read_text() == "s3cr3t"
    assert placed.stat().st_mode & 0o777 == 0o400


def test_the_answer_to_a_result_brings_the_next_task(hub: HubForAgentd, folder: Path) -> None:
    hub.give(1, prompt="one")
    hub.give(2, prompt="two")
    with running(hub, folder):
        hub.wait_for(lambda: len(hub.sent("task.completed")) == 2)
    assert [each["payload"]["text"] for each in hub.sent("task.completed")] == ["one", "two"]
    results = [
        each
        for each in hub.requests
        if isinstance(each.body, dict) and each.body.get("type") == "task.completed"
    ]
    assert [each.query for each in results] == [{"slots": ["1"]}] * 2
    asked = [each.at_s for each in hub.polls() if each.query["slots"] == ["1"]]
    assert not any(results[0].at_s < each < results[1].at_s for each in asked)


def test_what_the_answer_to_a_result_did_not_bring_a_poll_does(
    hub: HubForAgentd, folder: Path
) -> None:
    hub.brings_more = False
    hub.give(1, prompt="one")
    hub.give(2, prompt="two")
    with running(hub, folder):
        hub.wait_for(lambda: len(hub.sent("task.completed")) == 2)


def test_two_tasks_at_once_name_each_other_in_their_results(
    hub: HubForAgentd, folder: Path
) -> None:
    waits = 'read name; while [ ! -e "go-$name" ]; do sleep 0.02; done; echo "$name"'
    with running(hub, folder, executor=command("sh", "-c", waits), slots=2) as agentd:
        for number, name in ((1, "one"), (2, "two"), (3, "three")):
            hub.give(number, prompt=f"{name}\n")
        hub.wait_for(lambda: len(hub.sent("task.accepted")) == 2)
        for name in ("one", "two", "three"):
            (agentd.workspace / f"go-{name}").touch()
            hub.wait_for(lambda name=name: f"{name}\n" in texts(hub))  # type: ignore[misc]
    assert sorted(texts(hub)) == ["one\n", "three\n", "two\n"]
    assert len(hub.sent("task.accepted")) == 3


def texts(hub: HubForAgentd) -> list[str]:
    return [each["payload"]["text"] for each in hub.sent("task.completed")]
