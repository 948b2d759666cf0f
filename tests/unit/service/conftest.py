"""A hub on a real store in a temporary directory, with a clock that stands still."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentctl.artifacts import Shelf
from agentctl.identity import Seal, Signer
from agentctl.model.digest import plain, spec_hash
from agentctl.model.fleet import DesiredState
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Peer, Role
from agentctl.service import authenticate, generations, instances
from agentctl.service.context import Hub
from agentctl.store import Store
from tests.fakes.clock import CountingIds, CountingRandomness, ManualClock
from tests.fakes.fleet import fleet

ADMIN = OperatorPrincipal(name="uid:0", role=Role.ADMIN)


class HubAtHand:
    """The hub with the few moves that most tests make."""

    def __init__(self, hub: Hub, clock: ManualClock) -> None:
        self.hub = hub
        self.clock = clock

    def apply(self, desired: DesiredState, *, expected: int | None = None) -> dict[str, Any]:
        newest = self.hub.fleet.generation.number if self.hub.fleet else 0
        return generations.apply(
            self.hub,
            ADMIN,
            desired=plain(desired),
            expected=newest if expected is None else expected,
            commit="abc",
            prune=False,
        )

    def reserve(self, agent: str, *, replica: int = 0, task: str = "") -> dict[str, Any]:
        """Record the intent to make a container, as the reconciler would."""
        assert self.hub.fleet is not None
        spec = self.hub.fleet.agents[agent]
        provider = self.hub.fleet.generation.desired.provider(spec.provider)
        assert provider is not None
        return instances.reserve(
            self.hub,
            {
                "agent": agent,
                "host": spec.host,
                "replica": replica,
                "spec": spec_hash(spec, provider),
                "generation": self.hub.fleet.generation.number,
                **({"task": task} if task else {}),
            },
        )

    def born(
        self, agent: str, *, replica: int = 0, container: str = "", task: str = ""
    ) -> AgentPrincipal:
        """Bring a container of an agent to life, as reconciler and agentd would."""
        reserved = self.reserve(agent, replica=replica, task=task)
        container = container or f"container-{agent}-{replica}-{reserved['instance'][-4:]}"
        boot = instances.bind(self.hub, reserved["instance"], container)["boot"]
        peer = Peer(container=container)
        sold = authenticate.svid(self.hub, boot["instance_token"], peer)
        return authenticate.agent(self.hub, str(sold["svid"]), peer)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[HubAtHand]:
    """A hub to which nothing has been applied."""
    clock = ManualClock()
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    store = Store.open(tmp_path / "store")
    hub = Hub(
        store=store,
        clock=clock,
        ids=CountingIds(),
        randomness=CountingRandomness(),
        signer=Signer.open(keys),
        seal=Seal.open(keys),
        installation="here",
        version="test",
        uid=1000,
        shelf=Shelf(tmp_path / "artifacts"),
    )
    yield HubAtHand(hub, clock)
    store.close()


@pytest.fixture
def at_hand(bare: HubAtHand) -> HubAtHand:
    """A hub with the small fleet applied."""
    bare.apply(fleet())
    return bare
