"""The dashboard's pages of a small fleet, beside this file; AGENTCTL_GOLDEN=write renews them."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import falcon.testing
import pytest

from agentctl.hub import operators_app
from agentctl.model.principal import Peer
from tests.fakes.busy_fleet import fill
from tests.unit.service.conftest import (
    HubAtHand,
    bare,  # noqa: F401 a fixture
)

HERE = Path(__file__).parent
PAGES = {
    "overview": "/",
    "tasks": "/tasks?state=held",
    "completed": "/tasks/{completed}",
    "running": "/tasks/{running}",
    "held": "/tasks/{held}",
    "agents": "/agents",
    "agent": "/agents/researcher",
    "quarantined": "/agents/courier",
    "reach": "/reach",
    "decisions": "/decisions?allowed=true",
    "alerts": "/alerts?all=true",
    "not-found": "/tasks/task-nobody",
}
WHOLE = {"whole": "/reach"}


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_pages_are_as_they_are_kept(bare: HubAtHand) -> None:  # noqa: F811
    made = fill(bare)
    client = falcon.testing.TestClient(operators_app(bare.hub, by="peer"))
    differ = []
    for name, path in {**PAGES, **WHOLE}.items():
        path, _, query = path.format(**made).partition("?")
        answer = client.simulate_get(
            path,
            query_string=query,
            host="localhost",
            headers={} if name in WHOLE else {"HX-Request": "true"},
            extras={"agentctl.peer": Peer(pid=1, uid=bare.hub.uid, gid=0)},
        )
        kept = HERE / f"{name}.html"
        shown = _lasting(answer.text)
        if os.environ.get("AGENTCTL_GOLDEN") == "write":
            kept.write_text(shown)
        if not kept.exists() or kept.read_text() != shown:
            differ.append(name)
    assert differ == [], "look at the difference; AGENTCTL_GOLDEN=write keeps the new pages"


def _lasting(page: str) -> str:
    """Return a page without what changes with every edit of a stylesheet."""
    return re.sub(r"\?v=[0-9a-f]{16}|W/&#34;[0-9a-f]{24}&#34;", "?v=…", page)
