"""agentd as process 1 of a namespace, as in a container: it reaps, and nothing outlives a task."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentctl import resources
from tests.fakes.agentd_process import command, running
from tests.fakes.hub_for_agentd import HubForAgentd

# A user namespace's root where we aren't root; no capability is left to agentd itself.
UNSHARE = (
    "unshare",
    *(() if os.geteuid() == 0 else ("-r",)),
    "--pid",
    "--fork",
    "--mount-proc",
)
HARDENED = (
    *UNSHARE,
    *("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"),
)
LEAVES = "setsid sleep 300 </dev/null >/dev/null 2>&1 & cat /proc/1/comm"
COUNTS = 'set -- /proc/[0-9]*; echo $#; for each; do cut -d" " -f1-3 $each/stat; done 2>/dev/null'


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    if subprocess.run([*HARDENED, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine gives no process namespaces")


@pytest.mark.engine
def test_as_process_one_it_ends_and_reaps_what_a_task_left(hub: HubForAgentd, folder: Path) -> None:
    script = f"if [ -e again ]; then {COUNTS}; else touch again; {LEAVES}; fi"
    with running(hub, folder, prefix=HARDENED, executor=command("sh", "-c", script)) as agentd:
        hub.give(1)
        hub.wait_for_message("task.completed")
        hub.give(2)
        hub.wait_for(lambda: len(hub.sent("task.completed")) == 2)
        assert '"first_process": true' in agentd.log()
    seen = hub.sent("task.completed")[1]["payload"]["text"]
    assert "(sleep)" not in seen
    assert " Z" not in seen


@pytest.mark.engine
def test_the_agent_can_neither_kill_nor_stop_nor_read_agentd(
    hub: HubForAgentd, folder: Path
) -> None:
    tries = (
        "kill -KILL 1; kill -STOP 1; kill -ABRT 1; kill -INT 4242 2>/dev/null;"
        "for f in mem environ maps; do head -c 1 /proc/1/$f >/dev/null 2>&1 && echo read $f; done;"
        "echo tried"
    )
    user = ("--reuid=10001", "--regid=10001", "--clear-groups") if os.geteuid() == 0 else ()
    for each in (folder, folder / "workspace"):
        each.mkdir(exist_ok=True)
        each.chmod(0o777)
    hub.socket.chmod(0o666)
    prefix = (*HARDENED, *user)
    with running(hub, folder, prefix=prefix, executor=command("sh", "-c", tries)):
        hub.give(1)
        hub.wait_for_message("task.completed")
        hub.give(2)
        hub.wait_for(lambda: len(hub.sent("task.completed")) == 2)
    texts = [each["payload"]["text"] for each in hub.sent("task.completed")]
    assert texts == ["tried\n", "tried\n"]


def test_the_zip_archive_that_containers_run_is_the_same_program(tmp_path: Path) -> None:
    archive = tmp_path / "agentd.pyz"
    archive.write_bytes(resources.agentd())
    ended = subprocess.run(
        [sys.executable, "-I", str(archive)], input=b"", capture_output=True, timeout=10
    )
    assert ended.returncode == 2
    assert b"standard input ended without a boot document" in ended.stderr
