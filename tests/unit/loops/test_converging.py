"""The reconciler's pass: intent first, then the engine, then the outcome; and what holds when things fail."""

import json
from collections.abc import Iterator
from dataclasses import replace

import jsonschema
import pytest

from agentctl.errors import EngineRefused, SecretUnavailable
from agentctl.loops.memory import Memory
from agentctl.model.digest import plain
from agentctl.model.fleet import OnChange, Secret, Source, SourceKind
from agentctl.resources import schema_path
from tests.unit.loops.world import World
from tests.unit.reconcile.declared import QWEN, RESEARCHER, fleet

NEWER = replace(RESEARCHER, image="agentctl/agent:2")
TWO = replace(RESEARCHER, replicas=2)
PAT = Secret(name="pat", source=Source(kind=SourceKind.FILE, name="/etc/pat"))


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.reconciler.close()


def states(report: dict[str, object]) -> list[str]:
    actions = report["actions"]
    assert isinstance(actions, list)
    return [f"{each['verb']} {each['agent']}/{each['replica']} {each['state']}" for each in actions]


def test_a_declared_fleet_comes_up_and_the_next_pass_has_nothing_to_do(world: World) -> None:
    world.apply(fleet(TWO))
    assert sorted(states(world.converge())) == [
        "create researcher/0 done",
        "create researcher/1 done",
    ]
    assert world.engine.running() == ["acme-researcher-0", "acme-researcher-1"]
    assert states(world.converge()) == []


def test_the_intent_is_recorded_before_the_engine_and_the_container_before_its_boot(
    world: World,
) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    assert world.hub.words == ["reserve", "bind", "state starting"]
    assert world.engine.calls == ["create acme-researcher-0", "start container-1"]


def test_the_boot_document_has_the_hubs_part_the_paths_and_the_secrets(world: World) -> None:
    world.apply(fleet(replace(RESEARCHER, secrets=(PAT,))))
    world.converge()
    (boot,) = world.engine.boots.values()
    assert json.loads(boot) == {
        "version": 1,
        "instance": "inst-0",
        "instance_token": "it1.inst-0.x",
        "hub_socket": "/run/agentctl/hub.sock",
        "llm_socket": "/run/agentctl/llm.sock",
        "workspace": "/workspace",
        "secrets_dir": "/run/secrets",
        "secrets": {"pat": "dmFsdWU="},
    }


def test_a_pass_is_told_before_during_and_after(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    assert states(world.hub.passes[0]) == ["create researcher/0 pending"]
    assert states(world.hub.passes[-1]) == ["create researcher/0 done"]


def test_a_converged_pass_tells_nothing_twice(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    assert world.converge()["converged"] is True
    told = len(world.hub.passes)
    world.converge()
    assert len(world.hub.passes) == told


def test_a_replacement_drains_marks_stops_removes_and_creates(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.words.clear()
    world.apply(fleet(NEWER))
    report = world.converge()
    assert states(report) == ["replace researcher/0 done"]
    assert report["actions"][0]["causes"] == ["image: agentctl/agent:1 → agentctl/agent:2"]
    assert world.hub.words == [
        "drain",
        "state recycling",
        "state recycled",
        "reserve",
        "bind",
        "state starting",
    ]
    assert world.engine.calls[2:] == [
        "stop container-1",
        "remove container-1",
        "create acme-researcher-0",
        "start container-2",
    ]


def test_what_works_is_not_removed_for_what_cannot_be_made(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.words.clear()
    world.engine.failing["need"] = EngineRefused("no image agentctl/agent:2")
    world.apply(fleet(NEWER))
    report = world.converge()
    assert states(report) == ["replace researcher/0 failed"]
    assert report["actions"][0]["error"] == "no image agentctl/agent:2"
    assert world.hub.words == []
    assert world.engine.calls[2:] == []


def test_a_busy_container_drains_once_and_is_replaced_when_its_task_ends(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.tasks["inst-0"] = "task-1"
    world.hub.words.clear()
    world.apply(fleet(NEWER))
    assert states(world.converge()) == ["replace researcher/0 waiting"]
    assert states(world.converge()) == ["replace researcher/0 waiting"]
    assert world.hub.words == ["drain"]
    del world.hub.tasks["inst-0"]
    assert states(world.converge()) == ["replace researcher/0 done"]


def test_a_task_taken_after_the_plan_is_not_interrupted(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.apply(fleet(NEWER))
    world.hub.tasks["inst-0"] = "task-1"
    seen = world.hub._row
    world.hub._row = lambda instance: {**seen(instance), "task": None}  # type: ignore[method-assign]
    report = world.converge()
    assert states(report) == ["replace researcher/0 waiting"]
    assert "took task-1 meanwhile" in report["actions"][0]["error"]
    assert world.engine.running() == ["acme-researcher-0"]


def test_immediate_interrupts_and_says_so(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.tasks["inst-0"] = "task-1"
    world.apply(fleet(replace(NEWER, on_change=OnChange.IMMEDIATE)))
    report = world.converge()
    assert states(report) == ["replace researcher/0 done"]
    assert "interrupts task-1" in report["actions"][0]["causes"]


DEFERRED = replace(NEWER, on_change=OnChange.DEFER)


def test_a_deferred_change_waits_for_the_task_and_the_queue_then_happens(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.tasks["inst-0"] = "task-1"
    world.apply(fleet(DEFERRED))
    report = world.converge()
    assert (states(report), report["converged"]) == ([], True)
    assert not world.hub.instances["inst-0"].get("draining"), "it goes on taking work"
    del world.hub.tasks["inst-0"]
    world.hub.waiting["inst-0"] = "task-2"
    world.converge()
    assert world.engine.running() == ["acme-researcher-0"]
    assert not world.hub.instances["inst-0"].get("draining")
    world.hub.waiting.clear()
    assert states(world.converge()) == ["replace researcher/0 done"]
    assert world.hub.instances["inst-0"]["state"] == "recycled"


def test_a_deferred_change_that_meets_a_task_leaves_the_container_as_it_is(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.tasks["inst-0"] = "task-1"  # given between the look and the act
    world.apply(fleet(DEFERRED))
    seen = world.hub._row
    world.hub._row = lambda instance: {**seen(instance), "task": None}  # type: ignore[method-assign]
    report = world.converge()
    assert states(report) == ["replace researcher/0 waiting"]
    assert report["actions"][0]["error"] == "took task-1 meanwhile: its change is deferred again"
    assert not world.hub.instances["inst-0"].get("draining")


def test_a_reconciler_that_starts_anew_learns_from_the_hub_what_containers_were_born_with(
    world: World,
) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.reconciler._memory = Memory()  # as after its restart
    world.hub.tasks["inst-0"] = "task-1"
    world.hub.births = [{"spec": plain(RESEARCHER), "provider": plain(QWEN)}]
    world.apply(fleet(DEFERRED))
    assert states(world.converge()) == []
    world.hub.births = []
    assert states(world.converge()) == ["replace researcher/0 waiting"], "unknown: it drains"


def test_a_create_that_fails_is_recorded_and_held_back_for_a_while(world: World) -> None:
    world.engine.broken.add("agentctl/agent:1")
    world.apply(fleet(RESEARCHER))
    report = world.converge()
    assert states(report) == ["create researcher/0 failed"]
    assert report["actions"][0]["error"] == "no such image: agentctl/agent:1"
    assert world.hub.instances["inst-0"]["state"] == "recycled"
    assert states(world.converge()) == ["create researcher/0 waiting"]
    world.engine.broken.clear()
    world.clock.advance(1.5)
    assert states(world.converge()) == ["create researcher/0 done"]


def test_a_new_generation_is_tried_at_once_whatever_failed_before(world: World) -> None:
    world.engine.broken.add("agentctl/agent:1")
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.engine.broken.clear()  # mended where no spec shows it
    world.apply(fleet(RESEARCHER))
    assert states(world.converge()) == ["create researcher/0 done"]


def test_a_container_that_cannot_be_started_is_taken_away_again(world: World) -> None:
    world.engine.failing["start"] = EngineRefused("cannot start")
    world.apply(fleet(RESEARCHER))
    assert states(world.converge()) == ["create researcher/0 failed"]
    assert world.engine.containers == {}


def test_a_missing_secret_costs_no_container_and_no_record(world: World) -> None:
    def missing(source: Source) -> bytes:
        raise SecretUnavailable(f"cannot read {source.name}")

    world.resolve = missing
    world.apply(fleet(replace(RESEARCHER, secrets=(PAT,))))
    assert world.converge()["actions"][0]["error"] == "cannot read /etc/pat"
    assert world.engine.calls == []
    assert world.hub.instances == {}


def test_a_spec_that_does_not_come_up_takes_down_one_replica_only(world: World) -> None:
    world.apply(fleet(TWO))
    world.converge()
    world.engine.broken.add("agentctl/agent:2")
    world.apply(fleet(replace(TWO, image="agentctl/agent:2")))
    assert states(world.converge()) == [
        "replace researcher/0 failed",
        "replace researcher/1 waiting",
    ]
    world.clock.advance(600)
    world.converge()
    assert world.engine.running() == ["acme-researcher-1"]


def test_a_container_that_dies_early_is_held_back(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.clock.advance(5)
    world.engine.dies("acme-researcher-0", code=3)
    report = world.converge()
    assert states(report) == ["replace researcher/0 waiting"]
    assert "exited with code 3 soon after its start" in report["actions"][0]["error"]


def test_a_container_that_dies_after_a_minute_is_replaced_at_once(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.clock.advance(61)
    world.engine.dies("acme-researcher-0")
    assert states(world.converge()) == ["replace researcher/0 done"]


def test_nothing_is_replaced_while_the_hub_is_degraded(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.mode = "degraded"
    world.apply(fleet(NEWER))
    assert states(world.converge()) == ["replace researcher/0 waiting"]
    assert world.engine.running() == ["acme-researcher-0"]


def test_an_unreachable_engine_is_told_and_nothing_is_done_there(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.engine.down = "connection refused"
    report = world.converge()
    assert report["hosts"] == [{"name": "local", "reachable": False, "error": "connection refused"}]
    assert report["converged"] is False
    assert world.engine.calls == []


def test_with_the_hub_away_nothing_is_changed(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.apply(fleet(NEWER))
    world.hub.away = True
    before = list(world.engine.calls)
    assert world.reconciler.converge() is False
    assert world.engine.calls == before


def test_with_the_hub_away_what_is_past_its_ttl_is_stopped(world: World) -> None:
    world.apply(fleet(replace(RESEARCHER, ttl_s=60.0)))
    world.converge()
    world.hub.away = True
    world.clock.advance(60 + 30 + 31)
    world.reconciler.converge()
    assert world.engine.running() == []
    assert world.engine.calls[-1] == "stop container-1"


def test_a_hub_that_comes_back_is_told_again(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.converge()
    world.hub.away = True
    world.reconciler.converge()
    world.hub.away = False
    told = len(world.hub.passes)
    world.converge()
    assert len(world.hub.passes) == told + 1


def test_an_orphan_goes_after_the_grace_with_its_evidence_kept(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.instances.clear()  # as after a restore of an older backup
    world.converge()
    assert world.evidence == []
    world.clock.advance(61)
    assert states(world.converge()) == ["replace researcher/0 done"]
    assert world.evidence == ["container-1"]


def test_prune_removes_what_is_no_longer_declared(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.apply(fleet(), prune=True)
    assert states(world.converge()) == ["remove researcher/0 done"]
    assert world.engine.containers == {}


def test_told_to_stop_a_pass_starts_nothing_more(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.stop.set()
    assert states(world.converge()) == ["create researcher/0 waiting"]
    assert world.engine.calls == []


def test_every_body_meets_the_hubs_schema(world: World) -> None:
    world.engine.broken.add("agentctl/agent:2")
    world.apply(fleet(TWO))
    world.converge()
    world.hub.tasks["inst-0"] = "task-1"
    world.apply(fleet(replace(TWO, image="agentctl/agent:2")))
    world.converge()
    world.engine.down = "e" * 5000
    world.converge()
    names = {"observed": "observed", "passes": "pass", "instances": "instance"}
    checked = [(names[route], body) for route, body in world.hub.bodies if route in names]
    assert {name for name, _ in checked} == set(names.values())
    for name, body in checked:
        jsonschema.validate(body, json.loads(schema_path(f"api/{name}").read_text()))


def test_panic_kills_every_container_removes_none_and_keeps_what_they_said(world: World) -> None:
    world.apply(fleet(TWO))
    world.converge()
    world.hub.mode = "panic"
    report = world.converge()
    assert sorted(states(report)) == ["stop researcher/0 done", "stop researcher/1 done"]
    assert report["converged"] is False
    assert world.engine.running() == []
    assert len(world.engine.containers) == 2
    assert sorted(world.evidence) == sorted(world.engine.containers)


def test_in_panic_nothing_is_created_and_a_stopped_fleet_stays_as_it_is(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.mode = "panic"
    world.converge()
    asked = len(world.engine.calls)
    world.apply(fleet(TWO))
    for _ in range(3):
        world.converge()
    assert world.engine.calls[asked:] == []


def test_panic_kills_containers_that_nobody_declares_or_knows(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.instances.clear()
    world.apply(fleet(replace(RESEARCHER, name="other")))
    world.hub.mode = "panic"
    world.converge()
    assert world.engine.running() == []


def test_one_container_that_cannot_be_killed_is_tried_again_and_holds_up_no_other(
    world: World,
) -> None:
    world.apply(fleet(TWO))
    world.converge()
    stuck = next(iter(world.engine.containers))
    stop = world.engine.stop

    def refuses(container: str, grace_s: float) -> None:
        if container == stuck:
            raise EngineRefused("it doesn't die")
        stop(container, grace_s)

    world.hub.mode = "panic"
    world.engine.stop = refuses  # type: ignore[method-assign]
    assert sorted(each.rpartition(" ")[2] for each in states(world.converge())) == [
        "done",
        "failed",
    ]
    world.engine.stop = stop  # type: ignore[method-assign]
    world.converge()
    assert world.engine.running() == []


def test_after_panic_the_fleet_comes_back(world: World) -> None:
    world.apply(fleet(TWO))
    world.converge()
    world.hub.mode = "panic"
    world.converge()
    world.hub.mode = "normal"
    world.converge()
    assert world.engine.running() == ["acme-researcher-0", "acme-researcher-1"]


def test_an_agent_in_quarantine_is_killed_kept_and_not_made_again(world: World) -> None:
    world.apply(fleet(TWO, replace(RESEARCHER, name="writer")))
    world.converge()
    world.hub.quarantined = {"researcher"}
    world.hub.mode = "degraded"  # it is stopped all the same
    assert sorted(states(world.converge())) == ["stop researcher/0 done", "stop researcher/1 done"]
    assert world.engine.running() == ["acme-writer-0"]
    assert len(world.evidence) == 2
    world.hub.mode = "normal"
    world.clock.advance(3600.0)
    for _ in range(3):  # what stands of it is no orphan either
        assert states(world.converge()) == []
        world.clock.advance(3600.0)
    assert world.reconciler.engine_snapshot().orphans == ()
    assert len(world.engine.containers) == 3
    world.hub.quarantined = set()
    assert sorted(states(world.converge())) == [
        "replace researcher/0 done",
        "replace researcher/1 done",
    ]


def test_a_container_that_cannot_be_stopped_is_tried_again(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    world.hub.quarantined = {"researcher"}
    stop = world.engine.stop
    world.engine.stop = fails  # type: ignore[method-assign]
    assert states(world.converge()) == ["stop researcher/0 failed"]
    world.engine.stop = stop  # type: ignore[method-assign]
    assert states(world.converge()) == ["stop researcher/0 done"]


def fails(container: str, grace_s: float) -> None:
    raise EngineRefused(f"cannot stop {container}")


def test_what_may_not_have_its_workspace_waits_and_what_runs_goes_on(world: World) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    why = "its workspace holds confidential work"
    world.hub.refused = [{"host": "local", "agent": "researcher", "replica": 0, "why": why}]
    world.apply(fleet(NEWER))
    report = world.converge()
    assert states(report) == ["replace researcher/0 waiting"]
    assert report["actions"][0]["error"] == why
    assert world.engine.running() == ["acme-researcher-0"]
    world.hub.refused = []
    assert states(world.converge()) == ["replace researcher/0 done"]


def test_what_runs_on_another_host_is_not_drained_or_ended_for_what_an_engine_says(
    world: World,
) -> None:
    world.apply(fleet(RESEARCHER))
    world.converge()
    elsewhere = world.hub.instances["inst-0"]
    elsewhere["host"] = "elsewhere"  # so the label of the container here is a lie
    before = world.engine.running()
    world.apply(fleet(NEWER), prune=True)
    world.converge()
    assert (elsewhere["state"], elsewhere["draining"]) == ("starting", False)
    assert world.engine.running() == before, "nor is it touched: two names may lead to one engine"
