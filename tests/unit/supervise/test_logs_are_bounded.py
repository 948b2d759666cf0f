"""A process that logs for months keeps its log within its bound, and loses no line."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, sys
from pathlib import Path
from agentctl.supervise import log_file
from agentctl.supervise.log_lines import log_as_json

log_file.LOG_BYTES_MAX = 4000
log_as_json("it", Path(sys.argv[1]))
for number in range(40):
    logging.info("line %d", number)
print("said outright", flush=True)
"""


def ran(log: Path, out: Path) -> None:
    with out.open("ab") as file:
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(log)],
            stdout=file,
            stderr=file,
            timeout=30,
            check=True,
        )


def test_a_running_process_begins_its_log_anew_and_keeps_the_one_before(tmp_path: Path) -> None:
    log = tmp_path / "it.log"
    ran(log, log)
    before, now = (tmp_path / "it.log.1").read_text(), log.read_text()
    assert len(before) < 4500
    assert len(now) < 4500
    assert log.stat().st_mode & 0o777 == 0o600
    lines = (before + now).splitlines()
    assert [f"line {number}" in line for number, line in enumerate(lines[:-1])] == [True] * 40
    assert lines[-1] == "said outright"


def test_output_that_is_not_its_own_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "it.log").write_text("another's")
    ran(tmp_path / "it.log", tmp_path / "elsewhere")
    assert (tmp_path / "it.log").read_text() == "another's"
    assert len((tmp_path / "elsewhere").read_text().splitlines()) == 41
