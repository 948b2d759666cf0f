"""An id in a path that no id can be never reaches the services, nor the store's keys."""

from types import SimpleNamespace
from typing import Any

import falcon.testing
import pytest

from agentctl.hub import operators_app
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.service import authenticate, views

HUB: Any = SimpleNamespace(version="1")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []

    def task(hub: object, task_id: str, who: object) -> dict[str, Any]:
        seen.append(task_id)
        return {"state": "queued", "events": []}

    operator = OperatorPrincipal(name="uid:0", role=Role.ADMIN)
    monkeypatch.setattr(authenticate, "operator_by_peer", lambda *_: operator)
    monkeypatch.setattr(views, "task", task)
    return seen


@pytest.mark.parametrize(
    "value", ["..", "-x", "a" * 129, "a" * 600, "a%00", "a%0A", "%20", "a:b", "%F0%9F%92%A5", "%ff"]
)
def test_what_no_id_can_be_is_not_found_without_being_looked_for(
    asked: list[str], value: str
) -> None:
    client = falcon.testing.TestClient(operators_app(HUB, by="peer"))
    result = client.simulate_get(f"/api/hub/tasks/{value}", host="localhost")
    assert result.status_code == 404
    assert result.json["type"] == "urn:agentctl:problem:not-found"
    assert asked == []


def test_an_id_is_looked_for_as_it_is(asked: list[str]) -> None:
    client = falcon.testing.TestClient(operators_app(HUB, by="peer"))
    assert client.simulate_get("/api/hub/tasks/task-01abc", host="localhost").status_code == 200
    assert asked == ["task-01abc"]
