"""One record that fails its checksum: one request says so, people are told, everything else goes on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

from agentctl.bootstrap import open_hub
from agentctl.hub import operators_app
from agentctl.model.digest import plain
from agentctl.model.mode import ModeName
from agentctl.model.principal import Peer
from agentctl.paths import StatePaths
from agentctl.service import alerts
from agentctl.service.context import Hub
from agentctl.store import Store
from tests.contract.hub.conftest import Listener
from tests.fakes.fleet import fleet


@dataclass
class Restarted:
    """A state directory; the hub on it can be stopped, its file changed, and started again."""

    paths: StatePaths
    hub: Hub | None = None

    def start(self) -> Listener:
        self.hub = open_hub(self.paths, Store.open(self.paths.store))
        app = operators_app(self.hub, by="peer")
        return Listener(falcon.testing.TestClient(app), Peer(pid=1, uid=self.hub.uid, gid=0))

    def stop(self) -> None:
        if self.hub is not None:
            self.hub.store.close()

    def flip(self, old: str, new: str) -> None:
        """Change every copy of `old` in the store's file, as a rotten disk would."""
        data = self.paths.store / "data.mdb"
        content = data.read_bytes()
        assert old.encode() in content
        assert len(old) == len(new)
        data.write_bytes(content.replace(old.encode(), new.encode()))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Restarted]:
    paths = StatePaths(tmp_path / "state")
    for each in (paths.state, paths.store, paths.keys):
        each.mkdir(mode=0o700, parents=True)
    found = Restarted(paths)
    listener = found.start()
    body = {"desired": plain(fleet()), "expected": 0, "commit": "c", "prune": False}
    assert listener.ask("POST", "/api/hub/generations", body).status_code == 201
    yield found
    found.stop()


def submit(listener: Listener, prompt: str) -> str:
    made: str = listener.ask("POST", "/api/hub/tasks", {"prompt": prompt}).json["id"]
    return made


def kinds(listener: Listener) -> list[str]:
    rows: list[dict[str, Any]] = listener.ask("GET", "/api/hub/journal?limit=1000").json["lines"]
    return [each["entry"]["kind"] for each in rows]


def test_a_damaged_task_is_put_aside_told_and_the_rest_goes_on(state: Restarted) -> None:
    listener = state.start() if state.hub is None else _again(state)
    bad, good = submit(listener, "one"), submit(listener, "two")
    state.stop()
    state.flip(f'"id":"{bad}"', f'"ib":"{bad}"')
    listener = state.start()
    first = listener.ask("GET", "/api/hub/tasks")
    assert (first.status_code, first.json["type"]) == (500, "urn:agentctl:problem:state-damaged")
    listed = listener.ask("GET", "/api/hub/tasks").json["tasks"]
    assert [each["id"] for each in listed] == [good]
    shown = listener.ask("GET", f"/api/hub/tasks/{bad}")
    assert shown.status_code == 500
    assert "is in quarantine" in shown.json["detail"]
    assert "docs/recovery.md" in shown.json["hint"]
    assert kinds(listener).count("state.damaged") == 1
    assert state.hub is not None
    assert state.hub.mode.name is ModeName.NORMAL
    alerts.look(state.hub)
    fired = listener.ask("GET", "/api/hub/alerts").json["alerts"]
    assert [each["check"] for each in fired] == ["state-damaged"]
    assert submit(listener, "three")


def _again(state: Restarted) -> Listener:
    state.stop()
    return state.start()


def test_people_hear_of_a_quarantined_record_after_a_restart_too(state: Restarted) -> None:
    listener = _again(state)
    bad = submit(listener, "one")
    state.stop()
    state.flip(f'"id":"{bad}"', f'"ib":"{bad}"')
    state.start().ask("GET", "/api/hub/tasks")
    listener = _again(state)
    assert state.hub is not None
    assert list(state.hub.live.damaged)
    assert listener.ask("GET", "/api/hub/tasks").status_code == 200


def test_a_waiting_task_whose_prompt_is_damaged_is_cancelled_with_the_reason(
    state: Restarted,
) -> None:
    listener = _again(state)
    bad = submit(listener, "count all the files")
    state.stop()
    state.flip('"prompt":"count all', '"prompt":"count off')
    listener = state.start()
    assert listener.ask("GET", f"/api/hub/tasks/{bad}").status_code == 500
    [row] = listener.ask("GET", "/api/hub/tasks").json["tasks"]
    assert row["state"] == "cancelled"
    assert "failed its checksum" in row["error"]


def test_a_damaged_registry_record_degrades_the_hub(state: Restarted) -> None:
    from agentctl.store import instances
    from tests.fakes.store_records import instance

    _again(state)
    assert state.hub is not None
    state.hub.store.write(lambda txn: instances.put(txn, instance("inst-1")))
    state.stop()
    state.flip('"id":"inst-1"', '"ib":"inst-1"')
    listener = state.start()
    assert listener.ask("GET", "/api/hub/agents").status_code == 500
    assert listener.ask("GET", "/api/hub/mode").json["mode"] == "degraded"
    refused = listener.ask("POST", "/api/hub/tasks", {"prompt": "x"})
    assert (refused.status_code, refused.json["type"]) == (503, "urn:agentctl:problem:mode")
