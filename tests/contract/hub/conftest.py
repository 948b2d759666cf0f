"""A whole hub, real store and services included, behind its five apps; no sockets, no containers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import falcon.testing
import pytest

from agentctl.bootstrap import open_hub
from agentctl.hub import agents_app, egress_app, gateway_app, operators_app, reconciler_app
from agentctl.model.digest import plain, spec_hash
from agentctl.model.fleet import DesiredState
from agentctl.model.principal import Peer
from agentctl.paths import StatePaths
from agentctl.store import Store
from tests.fakes.fleet import PRIVATE, RESEARCHER, fleet

CONTAINER = "c0ffee00" * 8
ELSEWHERE = "deadbeef" * 8


@dataclass
class Listener:
    """One app, asked as a given peer, with a bearer or without."""

    client: falcon.testing.TestClient
    peer: Peer

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        bearer: str = "",
        headers: dict[str, str] | None = None,
        peer: Peer | None = None,
    ) -> falcon.testing.Result:
        given = {**(headers or {}), **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
        raw = {"body": body} if isinstance(body, bytes | str) else {"json": body}
        return self.client.simulate_request(
            method,
            path.partition("?")[0],
            query_string=path.partition("?")[2],
            host="localhost",
            headers=given,
            extras={"agentctl.peer": peer or self.peer},
            **({} if body is None else raw),
        )


@dataclass
class Whole:
    """The hub's listeners."""

    agents: Listener
    operators: Listener
    remote: Listener
    reconciler: Listener
    gateway: Listener
    egress: Listener

    def apply(
        self, desired: DesiredState | None = None, expected: int = 0
    ) -> falcon.testing.Result:
        return self.operators.ask(
            "POST",
            "/api/hub/generations",
            {
                "desired": plain(desired or fleet()),
                "expected": expected,
                "commit": "abc123",
                "prune": False,
            },
        )

    def reserve(self) -> falcon.testing.Result:
        body = {
            "agent": "researcher",
            "host": "local",
            "replica": 0,
            "spec": spec_hash(RESEARCHER, PRIVATE),
            "generation": 1,
        }
        return self.reconciler.ask("POST", "/api/hub/instances", body)

    def living(self, container: str = CONTAINER) -> tuple[str, str]:
        """Apply, reserve and bind; return an instance's id and an SVID of it."""
        assert self.apply().status_code == 201
        instance: str = self.reserve().json["instance"]
        bound = self.reconciler.ask(
            "POST", f"/api/hub/instances/{instance}/bind", {"container": container}
        )
        token = bound.json["boot"]["instance_token"]
        bought = self.agents.ask("POST", "/api/hub/svid", {}, bearer=token)
        return instance, bought.json["svid"]


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    paths = StatePaths(tmp_path / "state")
    for each in (paths.state, paths.store, paths.keys):
        each.mkdir(mode=0o700, parents=True)
    store = Store.open(paths.store)
    hub = open_hub(paths, store)

    def listener(app: Any, peer: Peer) -> Listener:
        return Listener(falcon.testing.TestClient(app), peer)

    account = Peer(pid=1, uid=hub.uid, gid=0)
    yield Whole(
        agents=listener(agents_app(hub), Peer(pid=2, uid=10001, gid=10001, container=CONTAINER)),
        operators=listener(operators_app(hub, by="peer"), account),
        remote=listener(operators_app(hub, by="token"), Peer()),
        reconciler=listener(reconciler_app(hub), account),
        gateway=listener(gateway_app(hub), account),
        egress=listener(egress_app(hub), account),
    )
    store.close()
