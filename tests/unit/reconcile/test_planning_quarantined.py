"""Of an agent in quarantine what runs is stopped, what stands is left, and nothing is made."""

from dataclasses import replace

import pytest

from agentctl.model.fleet import Lifecycle
from agentctl.model.instance import ContainerState
from agentctl.model.plan import Stop
from agentctl.reconcile import Demand, Wanted
from tests.unit.reconcile.declared import RESEARCHER, container, fleet, seen
from tests.unit.reconcile.test_planning import NOTHING, planned, text

APART = {"researcher"}
WRITER = replace(RESEARCHER, name="writer")
ONCE = replace(RESEARCHER, lifecycle=Lifecycle.EPHEMERAL, warm=1, replicas=2)


def test_nothing_is_created_and_the_plan_says_why() -> None:
    assert text(fleet(RESEARCHER), seen(), quarantined=APART) == (
        "Notes\n"
        "  local researcher/0: quarantined: not created\n"
        "\n"
        "Plan: 0 to create, 0 to replace, 0 to remove, 0 unchanged"
    )


def test_what_runs_is_stopped_and_others_are_left_alone() -> None:
    both = seen(container(RESEARCHER), container(WRITER))
    assert text(fleet(RESEARCHER, WRITER), both, quarantined=APART) == (
        "local\n"
        "  ! stop researcher/0\n"
        "      quarantined\n"
        "\n"
        "Plan: 0 to create, 0 to replace, 0 to remove, 1 to stop, 1 unchanged"
    )


@pytest.mark.parametrize("state", [ContainerState.EXITED, ContainerState.CREATED])
@pytest.mark.parametrize("more", [{}, {"prune": True}, {"condemned": {"c-researcher-0"}}])
def test_what_stands_is_evidence_whatever_is_declared(
    state: ContainerState, more: dict[str, object]
) -> None:
    stopped = seen(replace(container(RESEARCHER), state=state))
    for desired in (fleet(RESEARCHER), fleet(replace(RESEARCHER, image="new")), fleet(WRITER)):
        found = planned(desired, stopped, quarantined=APART, **more)
        assert [each for each in found.actions if each.agent == "researcher"] == []
        assert "local researcher/0: quarantined: kept as it was stopped" in found.notes


def test_one_that_is_not_declared_any_more_is_stopped_too() -> None:
    (only,) = planned(fleet(), seen(container(RESEARCHER)), quarantined=APART).actions
    assert isinstance(only, Stop)


def test_an_ephemeral_agent_gets_none_for_tasks_and_none_warm() -> None:
    demand = Demand(wanted=(Wanted(task="task-1", agent="researcher"),))
    found = planned(fleet(ONCE), seen(container(ONCE)), demand=demand, quarantined=APART)
    assert [type(each) for each in found.actions] == [Stop]
    assert found.notes == ("local researcher: quarantined: no container of it is made",)


def test_another_installations_containers_are_not_touched() -> None:
    theirs = seen(container(RESEARCHER, installation="theirs"))
    assert planned(fleet(), theirs, quarantined=APART).empty


def test_released_it_gets_what_is_declared() -> None:
    stopped = seen(replace(container(RESEARCHER), state=ContainerState.EXITED, exit_code=137))
    remove, create = planned(fleet(RESEARCHER), stopped).actions
    assert str(remove.causes[0]) == "exited with code 137"
    assert create.agent == "researcher"
    assert text(fleet(RESEARCHER), seen(container(RESEARCHER))) == NOTHING.format(1)
