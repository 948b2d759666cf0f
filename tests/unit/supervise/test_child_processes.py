"""Real processes: they end with their words kept, when told, when they must, and with their supervisor."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentctl.errors import Conflict
from agentctl.supervise.child import Child
from agentctl.supervise.serve_lock import only_one

WITHIN_S = 10.0
REPOSITORY = Path(__file__).resolve().parents[3]


def by_deadline(true: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline_s:
        if true():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    made: list[Child] = []

    def make(program: str) -> Child:
        made.append(
            Child(
                "it",
                [sys.executable, "-c", program],
                environ={"PATH": os.environ["PATH"]},
                log=tmp_path / "it.log",
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.kill()


def never() -> bool:
    return False


def test_a_child_that_fails_leaves_its_code_and_its_last_words(
    child: Callable[[str], Child],
) -> None:
    failing = child("import sys; sys.exit('the port is in use')")
    failing.start()
    codes: list[int | None] = []
    assert by_deadline(lambda: codes.append(failing.ended()) or codes[-1] is not None)  # type: ignore[func-returns-value]
    assert codes[-1] == 1
    assert failing.last_words() == "the port is in use"
    assert failing.pid == 0


def test_last_words_are_those_of_this_run(child: Callable[[str], Child], tmp_path: Path) -> None:
    (tmp_path / "it.log").write_text("from an earlier run\n")
    silent = child("")
    silent.start()
    assert by_deadline(lambda: silent.ended() is not None)
    assert silent.last_words() == ""
    assert (tmp_path / "it.log").read_text() == "from an earlier run\n"


def test_a_child_ends_by_itself_when_told(child: Callable[[str], Child]) -> None:
    waiting = child("import time; print('up', flush=True); time.sleep(60)")
    waiting.start()
    assert by_deadline(lambda: waiting.last_words() == "up")
    assert waiting.stop(WITHIN_S, hurry=never)


def test_a_child_that_will_not_end_is_killed_with_its_group(child: Callable[[str], Child]) -> None:
    stubborn = child(
        "import os, signal, subprocess, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "grandchild = subprocess.Popen(['sleep', '60'])\n"
        "print(grandchild.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    stubborn.start()
    assert by_deadline(lambda: stubborn.last_words().isdigit())
    grandchild = int(stubborn.last_words())
    assert not stubborn.stop(0.2, hurry=never)
    assert by_deadline(lambda: not alive(grandchild))


def test_ctrl_c_reaches_the_supervisor_alone(child: Callable[[str], Child]) -> None:
    waiting = child("import time; time.sleep(60)")
    waiting.start()
    assert os.getpgid(waiting.pid) == waiting.pid != os.getpgrp()


BOUND = """
import time
from agentctl.supervise.bond import end_with_supervisor
end_with_supervisor()
print("bound", flush=True)
time.sleep(60)
"""
SUPERVISOR = f"""
import os, subprocess, sys, time
environ = {{**os.environ, "AGENTCTL_SUPERVISOR": str(os.getpid())}}
argv = [sys.executable, "-c", {BOUND!r}]
child = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_child_ends_with_its_supervisor_however_that_ended() -> None:
    supervisor = subprocess.Popen(
        [
            sys.executable,
            "-c",
            SUPERVISOR,
        ],
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
    )
    assert supervisor.stdout is not None
    with supervisor.stdout as said:
        child = int(said.readline())
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait()
    assert by_deadline(lambda: not alive(child))


def test_a_second_serve_on_one_state_is_refused_with_the_firsts_pid(tmp_path: Path) -> None:
    with (
        only_one(tmp_path),
        pytest.raises(Conflict, match=f"pid {os.getpid()}"),
        only_one(tmp_path),
    ):
        pass
    with only_one(tmp_path):
        pass


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody reaped yet doesn't."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"level": "error", "message": "the disk is full"}', "the disk is full"),
        ("agentctl: port 8700 is in use", "port 8700 is in use"),
        ("{broken", "{broken"),
    ],
)
def test_last_words_are_for_people(child: Callable[[str], Child], line: str, words: str) -> None:
    failing = child(f"print({line!r})")
    failing.start()
    assert by_deadline(lambda: failing.ended() is not None)
    assert failing.last_words() == words
