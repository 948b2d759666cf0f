"""What a plan needs to know of containers that aren't as declared: their birth, what waits for them."""

from dataclasses import replace
from typing import Any

from agentctl.model.digest import plain
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.model.task import NewTask
from agentctl.service import instances, reconciling, registry
from agentctl.service.poll import poll
from agentctl.service.submit import submit
from agentctl.store import generations
from tests.fakes.fleet import PRIVATE, RESEARCHER, fleet
from tests.unit.service.conftest import ADMIN, HubAtHand

VIEWER = OperatorPrincipal(name="v", role=Role.VIEWER)
WORK = NewTask(prompt="x", sensitivity="internal", capabilities=("research",))


def changed(**fields: Any) -> Any:
    desired = fleet()
    agents = (replace(each, **fields) if each == RESEARCHER else each for each in desired.agents)
    return replace(desired, agents=tuple(agents))


def looked(at: HubAtHand) -> dict[str, Any]:
    """Return what the reconciler is told, whose engine shows every living container."""
    names = [each["id"] for each in registry_rows(at)]
    rows = [
        {"id": each["container"], "instance": name, "state": "running", "replica": 0}
        | {"agent": "researcher", "installation": "here"}
        for name, each in zip(names, registry_rows(at), strict=True)
    ]
    host = {"name": "local", "error": "", "engine": "", "containers": rows}
    return reconciling.observed(at.hub, {"hosts": [host]})


def registry_rows(at: HubAtHand) -> list[dict[str, Any]]:
    agents = registry.agents(at.hub, VIEWER)["agents"]
    return [row for each in agents for row in each["instances"]]


def test_what_a_container_was_born_with_is_told_once_it_is_not_declared_any_more(
    at_hand: HubAtHand,
) -> None:
    at_hand.born("researcher")
    assert looked(at_hand)["births"] == []
    at_hand.apply(changed(image="agentctl/agent:2"))
    at_hand.apply(changed(image="agentctl/agent:3"))
    born = [{"spec": plain(RESEARCHER), "provider": plain(PRIVATE)}]
    assert looked(at_hand)["births"] == born
    assert registry.agents(at_hand.hub, VIEWER)["births"] == born
    at_hand.apply(fleet())
    assert looked(at_hand)["births"] == []


def test_a_birth_whose_generation_is_gone_is_left_out(at_hand: HubAtHand, monkeypatch: Any) -> None:
    at_hand.born("researcher")
    at_hand.apply(changed(image="agentctl/agent:2"))
    monkeypatch.setattr(generations, "get", lambda txn, number: None)
    assert looked(at_hand)["births"] == []


def test_what_is_queued_for_an_outdated_container_is_told(at_hand: HubAtHand) -> None:
    at_hand.born("researcher")
    task, _ = submit(at_hand.hub, WORK, ADMIN)
    assert looked(at_hand)["instances"][0]["waiting"] is None, "it is as declared"
    at_hand.apply(changed(image="agentctl/agent:2"))
    assert looked(at_hand)["instances"][0]["waiting"] == task.id
    assert registry_rows(at_hand)[0]["waiting"] == task.id


def test_what_it_may_not_have_waits_for_the_container_that_replaces_it(
    at_hand: HubAtHand,
) -> None:
    """Else it would never be idle: its label is fixed at birth, and the queue would never empty."""
    at_hand.apply(changed(clearance="internal"))
    at_hand.born("researcher")
    at_hand.apply(fleet())
    submit(at_hand.hub, replace(WORK, sensitivity="confidential"), ADMIN)
    assert looked(at_hand)["instances"][0]["waiting"] is None


def test_an_idle_one_is_drained(at_hand: HubAtHand) -> None:
    who = at_hand.born("researcher")
    assert instances.drain(at_hand.hub, who.instance, "changed", only_idle=True) == {"task": None}
    assert registry_rows(at_hand)[0]["draining"]


def test_one_that_has_a_task_is_left_as_it_is(at_hand: HubAtHand) -> None:
    who = at_hand.born("researcher")
    task, _ = submit(at_hand.hub, WORK, ADMIN)
    poll(at_hand.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    told = instances.drain(at_hand.hub, who.instance, "changed", only_idle=True)
    assert told == {"task": task.id}
    assert not registry_rows(at_hand)[0]["draining"]
    assert instances.drain(at_hand.hub, who.instance, "changed") == {"task": task.id}
    assert registry_rows(at_hand)[0]["draining"]
