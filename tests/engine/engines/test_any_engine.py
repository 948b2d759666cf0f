"""What every engine keeps to: containers, plain processes and the fake alike."""

import pytest

from agentctl.errors import EngineRefused
from agentctl.model.fleet import Lifecycle
from agentctl.model.instance import ContainerState
from tests.engine.engines.rigs import Rig


def test_nothing_is_there_at_first(rig: Rig) -> None:
    observed = rig.engine.observe()
    assert (observed.name, observed.containers, observed.error) == (rig.host.name, (), "")


def test_a_created_container_is_seen_with_all_that_it_was_born_with(rig: Rig) -> None:
    container = rig.engine.create(rig.birth(agent="dev", instance="inst-7"))
    (seen,) = rig.engine.observe().containers
    assert (seen.id, seen.name, seen.host) == (container, f"{rig.fleet}-dev-1", rig.host.name)
    assert (seen.agent, seen.replica, seen.instance) == ("dev", 1, "inst-7")
    assert (seen.spec, seen.provider) == ("0123456789abcdef", "ollama")
    assert (seen.boundary, seen.label) == ("private", "confidential")
    assert seen.installation == rig.installation
    assert seen.state is ContainerState.CREATED


def test_a_started_container_runs(rig: Rig) -> None:
    container = rig.run(rig.birth())
    seen = rig.seen(container)
    assert seen is not None
    assert (seen.state, seen.exit_code) == (ContainerState.RUNNING, None)


def test_a_container_is_started_once(rig: Rig) -> None:
    birth = rig.birth()
    container = rig.run(birth)
    with pytest.raises(EngineRefused, match="started once"):
        rig.engine.start(container, rig.boot(birth))


def test_a_leftover_that_never_started_is_made_anew(rig: Rig) -> None:
    first = rig.engine.create(rig.birth(instance="inst-1"))
    second = rig.engine.create(rig.birth(instance="inst-2"))
    assert first != second
    assert [each.instance for each in rig.engine.observe().containers] == ["inst-2"]


def test_a_leftover_of_a_crashed_reconciler_is_made_anew(rig: Rig) -> None:
    rig.engine.create(rig.birth(instance="inst-1"))
    restarted = rig.again()
    restarted.create(rig.birth(instance="inst-2"))
    assert [each.instance for each in restarted.observe().containers] == ["inst-2"]


def test_a_name_that_runs_already_is_refused(rig: Rig) -> None:
    container = rig.run(rig.birth(instance="inst-1"))
    with pytest.raises(EngineRefused, match="must be removed first"):
        rig.engine.create(rig.birth(instance="inst-2"))
    seen = rig.seen(container)
    assert seen is not None
    assert seen.state is ContainerState.RUNNING


def test_a_name_that_another_installation_has_is_refused_and_says_whose(rig: Rig) -> None:
    other = rig.again(installation=f"{rig.installation}-b")
    theirs = other.create(rig.birth(installation=f"{rig.installation}-b"))
    try:
        with pytest.raises(EngineRefused, match=f"installation \\({rig.installation}-b\\)"):
            rig.engine.create(rig.birth())
    finally:
        other.remove(theirs)
        other.remove_workspaces()


def test_another_installations_containers_are_neither_seen_nor_touched(rig: Rig) -> None:
    other = rig.again(installation=f"{rig.installation}-b")
    theirs = other.create(rig.birth(agent="other", installation=f"{rig.installation}-b"))
    try:
        assert rig.engine.observe().containers == ()
        for touch in (
            lambda: rig.engine.stop(theirs, 0.0),
            lambda: rig.engine.remove(theirs),
            lambda: rig.engine.start(theirs, b"{}"),
            lambda: rig.engine.logs(theirs, 1),
        ):
            with pytest.raises(EngineRefused):
                touch()
        assert [each.id for each in other.observe().containers] == [theirs]
    finally:
        other.remove(theirs)
        other.remove_workspaces()


def test_stopping_and_removing_what_is_gone_is_fine(rig: Rig) -> None:
    container = rig.run(rig.birth())
    for _ in range(2):
        rig.engine.stop(container, 1.0)
    for _ in range(2):
        rig.engine.remove(container)
    rig.engine.stop(container, 1.0)
    assert rig.engine.observe().containers == ()


def test_a_stopped_container_is_seen_as_exited_until_it_is_removed(rig: Rig) -> None:
    container = rig.run(rig.birth())
    if rig.kind != "fake":
        rig.prints(container, "booted")
    rig.engine.stop(container, 5.0)
    seen = rig.seen(container)
    assert seen is not None
    assert (seen.state, seen.exit_code) == (ContainerState.EXITED, 0)
    rig.engine.remove(container)
    assert rig.seen(container) is None


def test_a_running_container_is_removed_too(rig: Rig) -> None:
    rig.engine.remove(rig.run(rig.birth()))
    assert rig.engine.observe().containers == ()


def test_a_restarted_reconciler_finds_what_runs_and_can_end_it(rig: Rig) -> None:
    container = rig.run(rig.birth())
    restarted = rig.again()
    assert [each.id for each in restarted.observe().containers] == [container]
    restarted.stop(container, 1.0)
    restarted.remove(container)
    assert rig.engine.observe().containers == ()


@pytest.mark.parametrize(
    "other", [{"label": "public"}, {"label": "an-earlier-letter"}, {"boundary": "public"}]
)
def test_a_workspace_never_serves_another_label_or_boundary(
    rig: Rig, other: dict[str, str]
) -> None:
    rig.engine.remove(rig.engine.create(rig.birth()))
    with pytest.raises(EngineRefused, match="holds work of label 'confidential'"):
        rig.engine.create(rig.birth(**other))  # type: ignore[arg-type]
    assert rig.engine.observe().containers == ()


def test_a_workspace_serves_another_label_where_the_hub_says_that_it_may(rig: Rig) -> None:
    rig.engine.remove(rig.engine.create(rig.birth()))
    named = (("internal", "private"), ("confidential", "private"))
    higher = rig.engine.create(rig.birth(label="restricted", workspace=named))
    rig.engine.remove(higher)
    with pytest.raises(EngineRefused, match="holds work of label 'confidential'"):
        rig.engine.create(rig.birth(label="restricted", workspace=named[:1]))


def test_an_ephemeral_agent_leaves_no_workspace(rig: Rig) -> None:
    birth = rig.birth(lifecycle=Lifecycle.EPHEMERAL)
    rig.engine.remove(rig.engine.create(birth))
    narrower = rig.birth(lifecycle=Lifecycle.EPHEMERAL, label="public")
    assert rig.engine.create(narrower)


def test_a_workspace_in_use_is_not_removed(rig: Rig) -> None:
    container = rig.run(rig.birth())
    with pytest.raises(EngineRefused):
        rig.engine.remove_workspaces()
    rig.engine.remove(container)
    rig.engine.remove_workspaces()
    assert rig.engine.create(rig.birth(label="public"))
