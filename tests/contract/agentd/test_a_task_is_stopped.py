"""Cancel, lost leases, timeouts and the orderly end: nothing runs on, and the hub is told what there was."""

import signal
import subprocess
import time
from pathlib import Path

from tests.fakes.agentd_process import command, gone, running
from tests.fakes.hub_for_agentd import HubForAgentd

# Prints its number, then leaves a process that has left the group, the session and its parent.
ESCAPES = """
setsid sh -c 'echo $$ > escaped; exec sleep 300' </dev/null >/dev/null 2>&1 &
trap '' TERM
while [ ! -s escaped ]; do :; done
echo $$ > pid; mv pid begun; echo half of it
while :; do sleep 300; done
"""


def _begun(hub: HubForAgentd, workspace: Path) -> list[int]:
    hub.wait_for(lambda: (workspace / "begun").exists())
    return [int((workspace / name).read_text()) for name in ("begun", "escaped")]


def test_a_cancelled_task_is_gone_within_two_seconds_with_all_its_processes(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder, executor=command("sh", "-c", ESCAPES)) as agentd:
        task = hub.give()
        pids = _begun(hub, agentd.workspace)
        asked_s = time.monotonic()
        hub.cancel(task)
        assert all(gone(pid, within_s=2.0) for pid in pids)
        assert time.monotonic() - asked_s < 2.0
        failed = hub.wait_for_message("task.failed")["payload"]
    assert (failed["reason"], failed["text"]) == ("cancelled", "half of it\n")


def test_a_lease_lost_by_heartbeat_ends_the_task_and_sends_no_result(
    hub: HubForAgentd, folder: Path
) -> None:
    hub.lose_by_heartbeat_only = True
    with running(hub, folder, executor=command("sh", "-c", ESCAPES)) as agentd:
        task = hub.give()
        pids = _begun(hub, agentd.workspace)
        hub.lose(task)
        assert all(gone(pid, within_s=3.0) for pid in pids)
        hub.wait_for(lambda: hub.sent("agent.heartbeat")[-1]["payload"]["holds"] == [])
    assert hub.sent("task.failed") == []


def test_an_attempt_that_the_hub_does_not_confirm_is_never_run(
    hub: HubForAgentd, folder: Path
) -> None:
    """Given again and confirmed at the third time: it has run once, so not at the first two."""
    hub.fault("task.accepted", 409, 409)
    with running(hub, folder, executor=command("sh", "-c", "echo ran | tee -a ran")) as agentd:
        hub.give()
        assert hub.wait_for_message("task.completed")["payload"]["text"] == "ran\n"
        assert (agentd.workspace / "ran").read_text() == "ran\n"
        hub.wait_for(lambda: agentd.events().count("task.not_ours") == 2)
        assert agentd.events().count("task.begun") == 3


def test_a_task_over_its_timeout_is_ended_and_says_so(hub: HubForAgentd, folder: Path) -> None:
    with running(hub, folder, executor=command("sh", "-c", "echo half; sleep 300")):
        hub.give(timeout_s=0.5)
        failed = hub.wait_for_message("task.failed")["payload"]
    assert (failed["reason"], failed["text"]) == ("timeout", "half\n")


def test_a_process_left_behind_by_a_finished_task_is_ended_before_the_next(
    hub: HubForAgentd, folder: Path
) -> None:
    leaves = "setsid sleep 300 </dev/null >/dev/null 2>&1 & echo $!"
    with running(hub, folder, executor=command("sh", "-c", leaves)):
        hub.give()
        left = int(hub.wait_for_message("task.completed")["payload"]["text"])
        assert gone(left)


def test_processes_that_are_not_its_descendants_are_left_alone(
    hub: HubForAgentd, folder: Path
) -> None:
    with subprocess.Popen(["sleep", "300"], start_new_session=True) as bystander:
        try:
            with running(hub, folder) as agentd:
                hub.give()
                hub.wait_for_message("task.completed")
                agentd.terminate()
                assert agentd.exit_code() == 0
                assert bystander.poll() is None
        finally:
            bystander.kill()


def test_sigterm_lets_the_current_task_finish_within_the_grace(
    hub: HubForAgentd, folder: Path
) -> None:
    waits = "touch begun; while [ ! -e go ]; do sleep 0.01; done; echo whole"
    with running(hub, folder, executor=command("sh", "-c", waits)) as agentd:
        hub.give(1)
        hub.wait_for(lambda: (agentd.workspace / "begun").exists())
        agentd.terminate()
        hub.give(2)
        hub.wait_for(lambda: "drain.begun" in agentd.events())
        (agentd.workspace / "go").touch()
        assert agentd.exit_code() == 0
    assert hub.types() == ["task.accepted", "task.completed"]


def test_sigterm_reports_a_partial_result_when_the_grace_is_over(
    hub: HubForAgentd, folder: Path
) -> None:
    runs_on = "echo half; touch begun; sleep 300"
    with running(hub, folder, grace_s=1, executor=command("sh", "-c", runs_on)) as agentd:
        hub.give()
        hub.wait_for(lambda: (agentd.workspace / "begun").exists())
        agentd.terminate()
        assert agentd.exit_code(within_s=4) == 0
    failed = hub.sent("task.failed")[0]["payload"]
    assert (failed["reason"], failed["text"]) == ("stopped", "half\n")
    assert (failed["partial"], failed["retryable"]) == (True, True)


def test_a_second_sigterm_does_not_wait_for_the_grace(hub: HubForAgentd, folder: Path) -> None:
    runs_on = "touch begun; sleep 300"
    with running(hub, folder, grace_s=100, executor=command("sh", "-c", runs_on)) as agentd:
        hub.give()
        hub.wait_for(lambda: (agentd.workspace / "begun").exists())
        agentd.terminate()
        hub.wait_for(lambda: "drain.begun" in agentd.events())
        agentd.terminate()
        assert agentd.exit_code(within_s=30) == 0  # of 100: the machine may be busy


def test_sigterm_without_a_task_ends_at_once(hub: HubForAgentd, folder: Path) -> None:
    with running(hub, folder) as agentd:
        hub.wait_for(hub.polls)
        agentd.terminate()
        assert agentd.exit_code(within_s=10) == 0


def test_it_ends_by_its_ttl_though_the_hub_is_away_and_the_task_ignores_signals(
    hub: HubForAgentd, folder: Path
) -> None:
    begun_s = time.monotonic()
    with running(
        hub, folder, ttl_s=2, grace_s=0.5, executor=command("sh", "-c", ESCAPES)
    ) as agentd:
        hub.give()
        pids = _begun(hub, agentd.workspace)
        hub.close()
        assert agentd.exit_code(within_s=6) == 0
        assert time.monotonic() - begun_s < 5
        assert all(gone(pid) for pid in pids)


def test_a_killed_agentd_leaves_an_unsent_result_as_evidence(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder) as agentd:
        hub.fault("task.completed", *[503] * 1000)
        task = hub.give(prompt="the result")
        kept = agentd.workspace / ".agentctl" / "spool" / f"{task}.1.json"
        hub.wait_for(kept.exists)
        hub.wait_for(lambda: "the result" in kept.read_text())
        agentd.process.send_signal(signal.SIGKILL)
        agentd.exit_code()
        assert kept.stat().st_mode & 0o777 == 0o600
