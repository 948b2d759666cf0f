"""What a plan holds: one container in each declared place, born with what is declared."""

from dataclasses import replace
from typing import Any

from agentctl.model.fleet import AgentSpec, DesiredState, OnChange, Resources
from agentctl.model.instance import Container, ContainerState, ObservedHost, ObservedState
from agentctl.model.plan import Create, Drain, Plan, Remove
from agentctl.reconcile import as_text, births, plan
from tests.unit.reconcile.declared import OURS, RESEARCHER, container, fleet, seen

NEWER = replace(RESEARCHER, image="agentctl/agent:2")
NOTHING = "Plan: 0 to create, 0 to replace, 0 to remove, {} unchanged"


def planned(desired: DesiredState, observed: ObservedState, **more: Any) -> Plan:
    return plan(desired, observed, digest="d", installation=OURS, **more)


def text(desired: DesiredState, observed: ObservedState, **more: Any) -> str:
    return as_text(planned(desired, observed, **more))


def test_every_declared_replica_that_is_not_there_is_created() -> None:
    assert text(fleet(replace(RESEARCHER, replicas=2)), seen(container(RESEARCHER, 1))) == (
        "local\n"
        "  + create researcher/0\n"
        "      declared, but not there\n"
        "\n"
        "Plan: 1 to create, 0 to replace, 0 to remove, 1 unchanged"
    )


def test_what_is_as_declared_is_left_alone() -> None:
    assert text(fleet(RESEARCHER), seen(container(RESEARCHER))) == NOTHING.format(1)


def test_a_changed_image_names_the_field_when_the_old_birth_is_remembered() -> None:
    past = births(fleet(RESEARCHER))
    assert text(fleet(NEWER), seen(container(RESEARCHER)), past=past) == (
        "local\n"
        "  ± replace researcher/0\n"
        "      image: agentctl/agent:1 → agentctl/agent:2\n"
        "\n"
        "Plan: 0 to create, 1 to replace, 0 to remove, 0 unchanged"
    )


def test_a_birth_that_nobody_remembers_is_told_by_its_hash() -> None:
    old = replace(container(RESEARCHER), spec="0123456789abcdef")
    (remove, _) = planned(fleet(RESEARCHER), seen(old)).actions
    assert str(remove.causes[0]).startswith("spec: 0123456789abcdef → ")


def test_a_replacement_removes_before_it_creates() -> None:
    remove, create = planned(fleet(NEWER), seen(container(RESEARCHER))).actions
    assert isinstance(remove, Remove)
    assert isinstance(create, Create)
    assert create.replaces == remove.container == "c-researcher-0"


def test_a_replacement_waits_for_the_task_that_runs() -> None:
    work = {"inst-researcher-0": "task-1"}
    (drain,) = planned(fleet(NEWER), seen(container(RESEARCHER)), work=work).actions
    assert isinstance(drain, Drain)
    assert drain.waits_for == "task-1"
    assert not drain.removes


def test_an_immediate_replacement_says_which_task_it_interrupts() -> None:
    changed = replace(NEWER, on_change=OnChange.IMMEDIATE)
    work = {"inst-researcher-0": "task-1"}
    remove, create = planned(fleet(changed), seen(container(RESEARCHER)), work=work).actions
    assert isinstance(remove, Remove)
    assert remove.interrupts == "task-1"
    assert isinstance(create, Create)


def test_a_drained_container_is_replaced_though_its_spec_fits_again() -> None:
    found = text(
        fleet(RESEARCHER), seen(container(RESEARCHER)), draining=frozenset({"inst-researcher-0"})
    )
    assert "± replace researcher/0\n      it was told to take no more work" in found


def test_an_exited_container_is_replaced_never_started_again() -> None:
    exited = container(RESEARCHER, state=ContainerState.EXITED, exit_code=137)
    found = text(fleet(RESEARCHER), seen(exited))
    assert "± replace researcher/0\n      exited with code 137" in found


def test_a_container_that_exited_holds_no_task_however_late_the_record() -> None:
    exited = container(RESEARCHER, state=ContainerState.EXITED)
    remove, _ = planned(
        fleet(RESEARCHER), seen(exited), work={"inst-researcher-0": "task-1"}
    ).actions
    assert isinstance(remove, Remove)
    assert remove.interrupts == ""


def test_a_container_that_never_got_its_boot_document_is_replaced() -> None:
    found = text(fleet(RESEARCHER), seen(container(RESEARCHER, state=ContainerState.CREATED)))
    assert "created, but never started" in found


def test_fewer_replicas_remove_the_highest_without_prune() -> None:
    both = seen(container(RESEARCHER, 0), container(RESEARCHER, 1))
    assert text(fleet(RESEARCHER), both) == (
        "local\n"
        "  - remove researcher/1\n"
        "      replicas lowered to 1\n"
        "\n"
        "Plan: 0 to create, 0 to replace, 1 to remove, 1 unchanged"
    )


def test_a_busy_surplus_replica_drains_and_counts_as_a_removal() -> None:
    both = seen(container(RESEARCHER, 0), container(RESEARCHER, 1))
    found = text(fleet(RESEARCHER), both, work={"inst-researcher-1": "task-1"})
    assert "- remove researcher/1\n      replicas lowered to 1\n      waits for task-1" in found
    assert found.endswith("0 to create, 0 to replace, 1 to remove, 1 unchanged")


def test_what_is_no_longer_declared_is_shown_and_stays() -> None:
    assert text(fleet(), seen(container(RESEARCHER))) == (
        "Notes\n"
        "  local researcher/0: no longer declared: it gets no work; remove it with --prune\n"
        "\n" + NOTHING.format(0)
    )


def test_prune_removes_what_is_no_longer_declared() -> None:
    (remove,) = planned(fleet(), seen(container(RESEARCHER)), prune=True).actions
    assert isinstance(remove, Remove)
    assert [str(each) for each in remove.causes] == ["no longer declared"]


def test_a_container_of_another_installation_is_neither_touched_nor_named() -> None:
    foreign = container(RESEARCHER, installation="installation-2")
    found = planned(fleet(), seen(foreign), prune=True)
    assert found == Plan(digest="d")


def test_a_host_that_does_not_answer_gets_a_note_and_no_action() -> None:
    found = planned(fleet(RESEARCHER), seen(error="connection refused"))
    assert found.empty
    assert found.notes == ("local: unreachable: connection refused; nothing is planned there",)


def test_a_host_that_was_not_looked_at_gets_no_action() -> None:
    found = planned(fleet(RESEARCHER), ObservedState(hosts=()))
    assert found.empty
    assert found.notes == ("local: not looked at; nothing is planned there",)


def test_one_host_that_is_away_does_not_hold_up_the_others() -> None:
    there = replace(RESEARCHER, name="writer", host="other")
    observed = ObservedState(
        hosts=(ObservedHost(name="local", error="gone"), ObservedHost(name="other"))
    )
    (create,) = planned(fleet(RESEARCHER, there, hosts=("local", "other")), observed).actions
    assert (create.host, create.agent) == ("other", "writer")


def test_a_container_without_a_record_is_left_until_it_is_condemned() -> None:
    found = planned(fleet(RESEARCHER), seen(container(RESEARCHER)), known=frozenset())
    assert found.empty
    assert "no live record" in found.notes[0]


def test_a_condemned_container_is_replaced() -> None:
    remove, create = planned(
        fleet(RESEARCHER),
        seen(container(RESEARCHER)),
        known=frozenset(),
        condemned=frozenset({"c-researcher-0"}),
    ).actions
    assert [str(each) for each in remove.causes] == ["the hub has no live record of it"]
    assert isinstance(create, Create)


def test_a_condemned_container_that_is_not_declared_is_removed_without_prune() -> None:
    (remove,) = planned(
        fleet(),
        seen(container(RESEARCHER)),
        known=frozenset(),
        condemned=frozenset({"c-researcher-0"}),
    ).actions
    assert isinstance(remove, Remove)


def test_of_two_containers_in_one_place_the_newer_running_one_stays() -> None:
    older = container(RESEARCHER, id="c-older", created_at_s=1.0)
    (remove,) = planned(fleet(RESEARCHER), seen(older, container(RESEARCHER))).actions
    assert isinstance(remove, Remove)
    assert remove.container == "c-older"


def test_nothing_is_created_while_a_second_container_is_in_the_place() -> None:
    second = container(RESEARCHER, id="c-second", created_at_s=1.0)
    found = planned(fleet(NEWER), seen(container(RESEARCHER), second))
    assert not any(isinstance(each, Create) for each in found.actions)


def test_the_grace_is_the_one_the_container_was_born_with() -> None:
    born = replace(RESEARCHER, grace_s=90.0)
    remove, _ = planned(fleet(RESEARCHER), seen(container(born)), past=births(fleet(born))).actions
    assert isinstance(remove, Remove)
    assert remove.grace_s == 90.0


def test_what_a_container_is_not_born_with_changes_without_a_new_one() -> None:
    retimed = replace(
        RESEARCHER, capabilities=("research",), on_change=OnChange.DEFER, tags=("nightly",)
    )
    assert planned(fleet(retimed), seen(container(RESEARCHER))).empty


def test_a_changed_field_of_any_kind_makes_a_new_container() -> None:
    changed: list[AgentSpec] = [
        replace(RESEARCHER, resources=Resources(pids=64)),
        replace(RESEARCHER, clearance="internal"),
        replace(RESEARCHER, ttl_s=60.0),
    ]
    running: Container = container(RESEARCHER)
    assert all(len(planned(fleet(each), seen(running)).actions) == 2 for each in changed)
