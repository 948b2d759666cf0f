"""The arrangement that `agentctl units` writes: what a process never holds, the kernel keeps from it.

Accounts, groups, directories and words are read from those files; numbers stand in for the names.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agentctl.cli.units import LISTEN
from agentctl.client import Hub
from tests.e2e.conftest import Fleet, fleet_of, until
from tests.fakes.account import Account
from tests.fakes.units import directories, units

pytestmark = pytest.mark.engine

FIRST = 64100  # nobody on a machine has the numbers from here on
KEEPER = """
- name: Has a secret
  hosts: private
  agents:
    - name: keeper
      image: "{{{{ image }}}}"
      provider: ollama-qwen3
      clearance: confidential
      capabilities: [keep]
      secrets: [{{name: pat, from: {{file: {secret}}}}}]
      executor: {{kind: command, argv: [sh, -c, "wc -c < /run/secrets/pat"]}}
"""
SECRET = "s" * 41
STOP_S = 30.0


@dataclass
class Apart:
    """A fleet whose processes run as accounts of their own."""

    fleet: Fleet
    engine: Path
    place: Path
    runtime: Path
    accounts: dict[str, Account]
    running: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    @property
    def operator(self) -> str:
        return str(self.runtime / "operator.sock")

    def start(self, name: str, *words: str) -> None:
        account, state = self.accounts[name], self.place / "state" / name
        state.mkdir(mode=0o700)
        os.chown(state, account.uid, account.uid)
        environ = {"AGENTCTL_STATE": str(state), "AGENTCTL_RUNTIME": str(self.runtime)}
        self.running[name] = account.start(
            self.place, *words, environ=environ, log=self.place / f"{name}.log"
        )

    def stop(self) -> None:
        for each in reversed(self.running.values()):
            each.terminate()
        for name, each in self.running.items():
            assert each.wait(STOP_S) == 0, (self.place / f"{name}.log").read_text()


@pytest.fixture(scope="module")
def apart(docker_url: str, agent_image: str) -> Iterator[Apart]:
    engine = Path(docker_url.removeprefix("unix://"))
    services = units()
    names = ["agentctl", *(each.account for each in services.values())]
    numbers = {name: FIRST + at for at, name in enumerate(names)}
    numbers["docker"] = engine.stat().st_gid
    accounts = {
        name: Account(
            name=name, uid=numbers[each.account], groups=tuple(numbers[g] for g in each.groups)
        )
        for name, each in services.items()
    }
    with ExitStack() as stack:
        place, runtime = (Path(tempfile.mkdtemp(prefix="actl-", dir=at)) for at in ("/tmp", "/run"))
        for made in (place, runtime):
            stack.callback(shutil.rmtree, made)
        place.chmod(0o711)
        (place / "state").mkdir(mode=0o711)
        for path, mode, owner, group in directories(runtime):
            path.mkdir(exist_ok=True)
            os.chown(path, numbers[owner], numbers[group])
            path.chmod(mode)
        fleet = stack.enter_context(
            fleet_of(engine_url=docker_url, image=agent_image, executor="messages-api")
        )
        _declare(fleet, accounts)
        apart = Apart(fleet=fleet, engine=engine, place=place, runtime=runtime, accounts=accounts)
        stack.callback(apart.stop)
        for name in sorted(services, key=lambda each: each != "hub"):
            words = [str(numbers.get(word, word)) for word in services[name].words]
            apart.start(name, *("127.0.0.1:0" if word == LISTEN else word for word in words))
            until(lambda: Hub(apart.operator).get("/healthz"), what="the hub", timeout_s=30)
        _let_the_sweep_know(fleet, place / "state" / "hub" / "installation")
        fleet.run("--hub", apart.operator, "apply", "--yes")
        yield apart


def _declare(fleet: Fleet, accounts: dict[str, Account]) -> None:
    """Write an agent with a secret; key and secret belong to those who may read them."""
    stage = fleet.stage
    stage.root.chmod(0o711)
    os.chown(stage.key_file, accounts["gateway"].uid, -1)
    secret = stage.root / "pat"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    os.chown(secret, accounts["reconciler"].uid, -1)
    (stage.project / "playbooks" / "keeper.yaml").write_text(KEEPER.format(secret=secret))


def _let_the_sweep_know(fleet: Fleet, installation: Path) -> None:
    fleet.stage.state.mkdir()
    shutil.copy(installation, fleet.paths.installation)


def test_labelled_work_goes_where_it_may(apart: Apart) -> None:
    hub = Hub(apart.operator)
    asked = {
        "researcher": {"sensitivity": "confidential", "capabilities": ["research"]},
        "thinker": {"sensitivity": "internal", "capabilities": ["deep-reasoning"]},
        "keeper": {"sensitivity": "confidential", "capabilities": ["keep"]},
    }
    for agent, wanted in asked.items():
        task = hub.post("/api/hub/tasks", {"prompt": "x", **wanted})["id"]
        ended = until(lambda: _ended(hub, task), what=f"{agent}'s task", timeout_s=60)  # noqa: B023
        assert (ended["state"], ended["agent"]) == ("completed", agent)
        if agent == "keeper":
            assert ended["result"]["text"].strip() == str(len(SECRET))


def _ended(hub: Hub, task: str) -> dict[str, object] | None:
    row = hub.get(f"/api/hub/tasks/{task}")
    return row if row["finished_at_s"] is not None else None


def test_each_process_runs_as_its_account_without_capabilities(apart: Apart) -> None:
    for name, process in apart.running.items():
        status = Path(f"/proc/{process.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert set(fields["Uid"].split()) == {str(apart.accounts[name].uid)}
        assert int(fields["CapPrm"], 16) == int(fields["CapBnd"], 16) == 0


def test_what_a_process_never_holds_the_kernel_keeps_from_it(apart: Apart) -> None:
    state, runtime, stage = apart.place / "state", apart.runtime, apart.fleet.stage
    files = {
        "store": state / "hub" / "store" / "data.mdb",
        "signing key": next((state / "hub" / "keys").iterdir()),
        "provider key": stage.key_file,
        "secret": stage.root / "pat",
    }
    sockets = {
        "engine": apart.engine,
        **{each: runtime / f"{each}.sock" for each in ("gateway", "egress", "reconciler")},
    }
    held = {
        name: {what for what, file in files.items() if account.may("head", "-c1", str(file))}
        | {what for what, socket in sockets.items() if account.connects(socket)}
        for name, account in apart.accounts.items()
    }
    assert held == {
        "hub": {"store", "signing key", "gateway", "egress", "reconciler"},
        "gateway": {"provider key", "gateway"},
        "egress": {"egress"},
        "reconciler": {"secret", "engine", "reconciler"},
    }


def test_nobody_takes_anothers_place_in_the_door(apart: Apart) -> None:
    door = apart.runtime / "door"
    for name in ("gateway", "egress", "reconciler"):
        assert not apart.accounts[name].may("rm", "-f", str(door / "hub.sock"))
        assert (door / "hub.sock").is_socket()


def test_other_accounts_of_the_machine_reach_nothing(apart: Apart) -> None:
    stranger = Account(name="stranger", uid=64199)
    for socket in ("operator.sock", "gateway.sock", "door/hub.sock", "door/llm.sock"):
        assert not stranger.connects(apart.runtime / socket)
