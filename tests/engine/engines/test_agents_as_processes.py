"""The process engine: whose process it is, what it sees, what ends with it."""

import json
import os
import signal
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentctl.engine import proc, reader, records
from agentctl.errors import EngineRefused
from agentctl.model.fleet import Lifecycle
from agentctl.model.instance import ContainerState, ObservedHost
from tests.engine.engines.rigs import Rig, until


def pid_of(container: str) -> int:
    return int(container.split(":")[1])


def folder(rig: Rig) -> Path:
    return rig.paths.process / rig.host.name / f"{rig.fleet}-dev-1"


def test_the_id_is_the_process_by_pid_and_start_time(process_rig: Rig) -> None:
    container = process_rig.run(process_rig.birth())
    facts = proc.stat(pid_of(container))
    assert facts is not None
    assert container == f"process:{facts.pid}:{facts.ticks}"
    assert facts.session == facts.pid


def test_it_sees_none_of_our_environment(process_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary")
    container = process_rig.run(process_rig.birth())
    process_rig.prints(container, "booted")
    environ = Path(f"/proc/{pid_of(container)}/environ").read_bytes()
    names = {each.split(b"=")[0] for each in environ.split(b"\0") if each}
    assert names == {b"PATH", b"HOME", b"LANG"}


def test_its_folders_are_closed_to_others(process_rig: Rig) -> None:
    birth = process_rig.birth()
    process_rig.engine.create(birth)
    paths = process_rig.engine.boot_paths(birth)
    for each in (paths["workspace"], paths["secrets_dir"], folder(process_rig)):
        assert stat.S_IMODE(Path(each).stat().st_mode) == 0o700


def test_one_that_ends_while_it_is_looked_at_keeps_no_secrets(
    process_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    birth = process_rig.birth()
    container = process_rig.run(birth, "secret:token", secrets={"token": "canary"})
    process_rig.prints(container, "secret kept")
    kept, pid = Path(process_rig.engine.boot_paths(birth)["secrets_dir"]), pid_of(container)
    read = reader.observe_processes

    def ended_meanwhile(*host: Any, **of: Any) -> ObservedHost:
        os.kill(pid, signal.SIGKILL)
        return until(lambda: _all_ended(read(*host, **of)), what=lambda: "its end")

    monkeypatch.setattr(reader, "observe_processes", ended_meanwhile)
    seen = process_rig.engine.observe()
    monkeypatch.undo()
    assert [each.state for each in seen.containers] == [ContainerState.EXITED]
    assert not kept.exists()


def _all_ended(seen: ObservedHost) -> ObservedHost | None:
    return seen if {each.state for each in seen.containers} == {ContainerState.EXITED} else None


def test_its_secrets_go_when_it_ends(process_rig: Rig) -> None:
    birth = process_rig.birth()
    container = process_rig.run(birth, "secret:token", secrets={"token": "canary"})
    process_rig.prints(container, "secret kept")
    kept = Path(process_rig.engine.boot_paths(birth)["secrets_dir"])
    assert (kept / "token").read_text() == "canary"
    os.kill(pid_of(container), signal.SIGKILL)
    process_rig.exits(container)
    assert not kept.exists()
    text = "".join(each.read_text(errors="replace") for each in files(process_rig.paths.state))
    assert "canary" not in text


def files(root: Path) -> list[Path]:
    return [each for each in root.rglob("*") if each.is_file()]


def exit_code(rig: Rig, container: str) -> int | None:
    """Return how it ended, once that is on record: a process is gone a moment before its code is."""
    recorded = until(
        lambda: (rig.exits(container).exit_code is not None) or None,
        what=lambda: f"the exit code of {container}",
    )
    assert recorded
    return rig.exits(container).exit_code


@pytest.mark.parametrize(("step", "code"), [("exit:3", 3), ("exit:0", 0)])
def test_how_it_ended_is_seen_and_stays_on_record(process_rig: Rig, step: str, code: int) -> None:
    container = process_rig.run(process_rig.birth(), step)
    assert exit_code(process_rig, container) == code
    (restarted,) = process_rig.again().observe().containers
    assert (restarted.state, restarted.exit_code) == (ContainerState.EXITED, code)


def test_the_code_of_one_that_ends_between_two_looks_is_kept(
    process_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reaped by nobody before its record is judged: as when it ends just after all were reaped."""
    monkeypatch.setattr(process_rig.engine, "_reap", lambda: None)
    container = process_rig.run(process_rig.birth(), "exit:3")
    assert exit_code(process_rig, container) == 3


def test_a_deaf_one_is_killed_after_its_grace_with_what_it_started(process_rig: Rig) -> None:
    container = process_rig.run(process_rig.birth(), "child", "deaf")
    text = process_rig.prints(container, "deaf")
    child = int(next(line for line in text.splitlines() if line.startswith("child")).split()[1])
    process_rig.engine.stop(container, 0.2)
    assert exit_code(process_rig, container) == 128 + signal.SIGKILL
    until(lambda: _ended(child), what=lambda: f"the end of its child {child}")


def _ended(pid: int) -> bool:
    facts = proc.stat(pid)
    return facts is None or facts.state == "Z"


def test_a_reused_pid_is_never_signalled(process_rig: Rig) -> None:
    """The record names this very test's process, but with another start time: as after a reuse."""
    process_rig.engine.remove(process_rig.run(process_rig.birth()))
    me = proc.identify(os.getpid())
    assert me is not None
    birth = process_rig.birth()
    container = process_rig.engine.create(birth)
    real = records.read(folder(process_rig))
    assert real is not None
    strange = records.write(
        folder(process_rig), replace(real, process=replace(me, ticks=me.ticks - 1), started=True)
    )
    (seen,) = process_rig.engine.observe().containers
    assert (seen.id, seen.state) == (strange.id, ContainerState.EXITED)
    process_rig.engine.stop(strange.id, 0.0)
    process_rig.engine.remove(strange.id)
    assert os.getpid() == me.pid, "we are still here"
    os.kill(pid_of(container), signal.SIGKILL)


def test_a_record_of_an_earlier_boot_is_not_running(process_rig: Rig) -> None:
    process_rig.run(process_rig.birth())
    real = records.read(folder(process_rig))
    assert real is not None
    earlier = replace(real, process=replace(real.process, boot_id="another"))
    assert records.state(real) is ContainerState.RUNNING
    assert records.state(earlier) is ContainerState.EXITED


def test_one_that_was_never_booted_ends_with_its_reconciler(process_rig: Rig) -> None:
    reconciler = os.fork()
    if reconciler == 0:
        process_rig.engine.create(process_rig.birth())
        os._exit(0)  # a crash: the writing end of its input closes
    assert os.waitstatus_to_exitcode(os.waitpid(reconciler, 0)[1]) == 0
    (left,) = process_rig.engine.observe().containers
    assert process_rig.exits(left.id).exit_code is None, "not our child: its code is unknown"
    assert process_rig.engine.create(process_rig.birth()) != left.id


def test_only_the_reconciler_that_made_it_can_boot_it(process_rig: Rig) -> None:
    birth = process_rig.birth()
    container = process_rig.engine.create(birth)
    with pytest.raises(EngineRefused, match="gone or was started before"):
        process_rig.again().start(container, process_rig.boot(birth))


def test_a_damaged_record_makes_the_host_unreadable_instead_of_empty(process_rig: Rig) -> None:
    container = process_rig.run(process_rig.birth())
    record = folder(process_rig) / records.RECORD
    good = record.read_text()
    record.write_text("{")
    observed = process_rig.engine.observe()
    assert observed.containers == ()
    assert "record.json is damaged" in observed.error
    record.write_text(good)
    assert process_rig.seen(container) is not None


def test_the_boot_document_is_not_on_disk(process_rig: Rig) -> None:
    container = process_rig.run(process_rig.birth(), instance_token="it1.canary")
    process_rig.prints(container, "booted")
    text = "".join(each.read_text(errors="replace") for each in files(process_rig.paths.state))
    assert "it1.canary" not in text
    assert json.loads((folder(process_rig) / records.RECORD).read_text())["started"] is True


def test_an_ephemeral_one_leaves_nothing(process_rig: Rig) -> None:
    container = process_rig.run(process_rig.birth(lifecycle=Lifecycle.EPHEMERAL), "keep:note")
    process_rig.prints(container, "kept")
    process_rig.engine.remove(container)
    assert not folder(process_rig).exists()
