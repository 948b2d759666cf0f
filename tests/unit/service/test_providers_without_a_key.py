"""A provider without a key: its work waits, wherever it stands, and goes on when the key is there."""

from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Role
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service import alerts, registry, usable, views
from agentctl.service.poll import poll
from agentctl.service.submit import submit
from agentctl.store import tasks as task_table
from tests.unit.service.conftest import ADMIN, HubAtHand

VIEWER = OperatorPrincipal(name="v", role=Role.VIEWER)
WHY = "key file /etc/opus is missing"
THINK = NewTask(prompt="x", sensitivity="internal", capabilities=("deep-reasoning",))
RESEARCH = NewTask(prompt="x", sensitivity="internal", capabilities=("research",))


def tell(at: HubAtHand, *names: str, generation: int = 1) -> None:
    rows = [{"provider": name, "why": WHY} for name in names]
    usable.told(at.hub, {"generation": generation, "unusable": rows})


def task(at: HubAtHand, task_id: str) -> Task:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, task_id)
    assert found is not None
    return found


def look(at: HubAtHand, who: AgentPrincipal) -> list[str]:
    found = poll(at.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    return [each["task"] for each in found]


def test_work_for_it_is_held_and_other_work_is_not(at_hand: HubAtHand) -> None:
    tell(at_hand, "opus")
    held, _ = submit(at_hand.hub, THINK, ADMIN)
    queued, _ = submit(at_hand.hub, RESEARCH, ADMIN)
    assert (held.state, held.held_reason) == (
        TaskState.HELD,
        "provider opus of thinker has no usable key",
    )
    assert queued.state is TaskState.QUEUED


def test_it_goes_nowhere_else_meanwhile(at_hand: HubAtHand) -> None:
    """Work that prefers one provider isn't sent to another boundary because a file is missing."""
    tell(at_hand, "ollama")
    plain, _ = submit(at_hand.hub, NewTask(prompt="x", sensitivity="confidential"), ADMIN)
    assert plain.state is TaskState.HELD


def test_queued_work_is_held_when_the_key_goes_and_queued_again_when_it_comes(
    at_hand: HubAtHand,
) -> None:
    made, _ = submit(at_hand.hub, THINK, ADMIN)
    assert made.state is TaskState.QUEUED
    tell(at_hand, "opus")
    assert task(at_hand, made.id).state is TaskState.HELD
    tell(at_hand)
    assert task(at_hand, made.id).state is TaskState.QUEUED


def test_word_of_another_generation_says_nothing(at_hand: HubAtHand) -> None:
    tell(at_hand, "opus", generation=0)
    assert submit(at_hand.hub, THINK, ADMIN)[0].state is TaskState.QUEUED


def test_the_gateway_is_told_what_is_declared(at_hand: HubAtHand) -> None:
    said = usable.told(at_hand.hub, {"generation": 0, "unusable": []})
    assert said["generation"] == 1
    assert [each["name"] for each in said["providers"]] == ["ollama", "opus"]


def test_operators_see_it_as_an_alert_in_the_status_and_beside_the_agents(
    at_hand: HubAtHand,
) -> None:
    tell(at_hand, "opus", "gone-meanwhile")
    alerts.look(at_hand.hub)
    (alert,) = alerts.show(at_hand.hub, VIEWER, every=False)["alerts"]
    assert (alert["subject"], alert["words"]) == ("opus", f"provider unusable: {WHY}")
    assert views.status(at_hand.hub, VIEWER)["unusable"] == {"opus": WHY}
    assert registry.agents(at_hand.hub, VIEWER)["unusable"] == {"opus": WHY}


def test_a_restarted_hub_holds_the_work_until_the_gateway_has_looked(at_hand: HubAtHand) -> None:
    tell(at_hand, "opus")
    alerts.look(at_hand.hub)
    at_hand.hub.live.unusable = {}
    usable.load(at_hand.hub)
    assert usable.of_declared(at_hand.hub) == {"opus": WHY}
    assert submit(at_hand.hub, THINK, ADMIN)[0].state is TaskState.HELD


def test_no_container_is_given_work_that_could_only_fail(at_hand: HubAtHand) -> None:
    made, _ = submit(at_hand.hub, THINK, ADMIN)
    who = at_hand.born("thinker")
    at_hand.hub.live.unusable = {"opus": WHY}  # found, and the queue not yet gone through
    assert look(at_hand, who) == []
    at_hand.hub.live.unusable = {}
    assert look(at_hand, who) == [made.id]


def test_the_status_says_which_generations_keys_were_looked_at(at_hand: HubAtHand) -> None:
    tell(at_hand, "opus", generation=0)
    assert views.status(at_hand.hub, VIEWER)["keys_looked_at"] == 0
    tell(at_hand)
    assert views.status(at_hand.hub, VIEWER)["keys_looked_at"] == 1
