"""A remote container's credentials count only out of the process that carries its door, and no other's do."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import Conflict, NotFound, Unauthenticated
from agentctl.model.digest import plain
from agentctl.model.instance import Container, ContainerState, Instance, InstanceState
from agentctl.model.principal import Peer
from agentctl.model.task import NewTask
from agentctl.service import authenticate, carriers, instances, model_calls, reconciling
from agentctl.service.poll import poll
from agentctl.service.submit import submit
from agentctl.store import Txn, journal
from agentctl.store import instances as instance_table
from tests.unit.service.conftest import ADMIN, HubAtHand

CARRIER = "process:4711:123456"
OTHER = "process:4712:123457"
FAR_ID = "a" * 64


def carry(at: HubAtHand, instance: str, process: str, *, host: str = "local") -> None:
    carriers.carry(at.hub, instance, host=host, process=process)


def far(at: HubAtHand, agent: str, *, carrier: str = "") -> tuple[str, str]:
    """Bring a container on another host into being; return its instance and its instance token."""
    reserved = at.reserve(agent)["instance"]

    def move(txn: Txn) -> None:
        found = instance_table.get(txn, reserved)
        assert found is not None
        instance_table.put(txn, replace(found, remote=True))

    at.hub.store.write(move)
    if carrier:
        carry(at, reserved, carrier)
    token = instances.bind(at.hub, reserved, FAR_ID)["boot"]["instance_token"]
    return reserved, str(token)


def record(at: HubAtHand, instance: str) -> Instance:
    with at.hub.store.read() as txn:
        found = instance_table.get(txn, instance)
    assert found is not None
    return found


def test_its_credentials_work_out_of_its_carrier(at_hand: HubAtHand) -> None:
    _, token = far(at_hand, "researcher", carrier=CARRIER)
    peer = Peer(container=CARRIER)
    sold = str(authenticate.svid(at_hand.hub, token, peer)["svid"])
    assert authenticate.agent(at_hand.hub, sold, peer).agent == "researcher"


@pytest.mark.parametrize("peer", [OTHER, FAR_ID, ""])
def test_they_work_from_nowhere_else_not_even_from_its_own_id_on_this_machine(
    at_hand: HubAtHand, peer: str
) -> None:
    _, token = far(at_hand, "researcher", carrier=CARRIER)
    sold = str(authenticate.svid(at_hand.hub, token, Peer(container=CARRIER))["svid"])
    with pytest.raises(Unauthenticated, match="own container only"):
        authenticate.svid(at_hand.hub, token, Peer(container=peer))
    with pytest.raises(Unauthenticated, match="own container only"):
        authenticate.agent(at_hand.hub, sold, Peer(container=peer))


def test_without_a_carrier_they_work_from_nowhere(at_hand: HubAtHand) -> None:
    _, token = far(at_hand, "researcher")
    for peer in ("", FAR_ID, CARRIER):
        with pytest.raises(Unauthenticated, match="own container only"):
            authenticate.svid(at_hand.hub, token, Peer(container=peer))


def test_a_local_containers_credentials_dont_work_through_anothers_door(at_hand: HubAtHand) -> None:
    far(at_hand, "researcher", carrier=CARRIER)
    reserved = at_hand.reserve("thinker")["instance"]
    token = instances.bind(at_hand.hub, reserved, "b" * 64)["boot"]["instance_token"]
    with pytest.raises(Unauthenticated, match="own container only"):
        authenticate.svid(at_hand.hub, str(token), Peer(container=CARRIER))


def test_a_new_carrier_ends_the_last_one(at_hand: HubAtHand) -> None:
    instance, token = far(at_hand, "researcher", carrier=CARRIER)
    carry(at_hand, instance, OTHER)
    authenticate.svid(at_hand.hub, token, Peer(container=OTHER))
    with pytest.raises(Unauthenticated, match="own container only"):
        authenticate.svid(at_hand.hub, token, Peer(container=CARRIER))


def test_a_process_carries_one_door(at_hand: HubAtHand) -> None:
    far(at_hand, "researcher", carrier=CARRIER)
    second, _ = far(at_hand, "thinker")
    with pytest.raises(Conflict, match=f"{CARRIER} carries the door of inst-"):
        carry(at_hand, second, CARRIER)


def test_nobody_carries_a_local_door_or_an_ended_one(at_hand: HubAtHand) -> None:
    local = at_hand.reserve("thinker")["instance"]
    with pytest.raises(Conflict, match="on this machine"):
        carry(at_hand, local, CARRIER)
    ended, _ = far(at_hand, "researcher")
    instances.mark(at_hand.hub, ended, InstanceState.RECYCLED.value, "gone")
    with pytest.raises(Conflict, match="has ended"):
        carry(at_hand, ended, CARRIER)
    with pytest.raises(NotFound):
        carry(at_hand, "inst-none", CARRIER)


def test_no_host_takes_over_the_door_of_anothers_container(at_hand: HubAtHand) -> None:
    instance, _ = far(at_hand, "researcher", carrier=CARRIER)
    with pytest.raises(Conflict, match="is on local, not on elsewhere"):
        carry(at_hand, instance, OTHER, host="elsewhere")
    assert record(at_hand, instance).carrier == CARRIER


def test_no_engine_ends_what_runs_on_another_host(at_hand: HubAtHand) -> None:
    who = at_hand.born("researcher", container="c-1")
    own = seen_at("local", who.instance, "c-1")
    lie = seen_at("elsewhere", who.instance, "c-2")
    for hosts in ([own, lie], [lie, own]):
        reconciling.observed(at_hand.hub, {"hosts": hosts})
        assert record(at_hand, who.instance).alive
    gone = {**own, "containers": []}
    reconciling.observed(at_hand.hub, {"hosts": [gone, lie]})
    assert not record(at_hand, who.instance).alive, "and none says that it runs there"


def seen_at(host: str, instance: str, container: str) -> dict[str, Any]:
    """Return what an engine says of one container."""
    found = Container(
        id=container,
        name=container,
        host=host,
        agent="researcher",
        replica=0,
        instance=instance,
        spec="",
        provider="",
        boundary="",
        label="",
        installation="here",
        state=ContainerState.RUNNING,
    )
    return {"name": host, "error": "", "engine": "", "containers": [plain(found)]}


def test_each_new_carrier_is_journaled_and_the_same_again_is_not(at_hand: HubAtHand) -> None:
    instance, _ = far(at_hand, "researcher", carrier=CARRIER)
    carry(at_hand, instance, CARRIER)
    carry(at_hand, instance, OTHER)
    with at_hand.hub.store.read() as txn:
        lines = [each.entry for each in journal.read(txn)]
    carried = [each for each in lines if each.kind == "instance.carried"]
    assert [each.facts["carrier"] for each in carried] == [CARRIER, OTHER]
    assert record(at_hand, instance).carrier == OTHER


def test_a_model_token_too_works_out_of_its_carrier_alone(at_hand: HubAtHand) -> None:
    _, token = far(at_hand, "researcher", carrier=CARRIER)
    peer = Peer(container=CARRIER)
    sold = str(authenticate.svid(at_hand.hub, token, peer)["svid"])
    who = authenticate.agent(at_hand.hub, sold, peer)
    submit(at_hand.hub, NewTask(prompt="do it"), ADMIN)
    (assigned,) = poll(at_hand.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    asked = {
        "token": assigned["payload"]["model_token"],
        "container": CARRIER,
        "provider": "ollama",
        "path": "/v1/messages",
        "model": "qwen3",
    }
    assert model_calls.open_call(at_hand.hub, asked)["attempt"] == 1
    for elsewhere in (OTHER, FAR_ID, ""):
        with pytest.raises(Unauthenticated, match="own container only"):
            model_calls.open_call(at_hand.hub, {**asked, "container": elsewhere})
