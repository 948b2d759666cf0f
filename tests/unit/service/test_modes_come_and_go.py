"""The hub's mode: by an operator's order, by causes that come and go, and what it does to work."""

import threading
from typing import Any

import pytest

from agentctl.errors import Conflict, Degraded, Refused, StoreUnavailable
from agentctl.model.mode import Mode, ModeName, Order
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Role
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.monitor.degrade import decide_mode
from agentctl.service import instances, model_calls, modes, panic, reconciling, watch
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from agentctl.store import Txn, journal, orders
from agentctl.store import tasks as task_table
from tests.unit.service.conftest import ADMIN, HubAtHand


def order(at: HubAtHand, mode: str, reason: str = "a leak") -> dict[str, Any]:
    return modes.set_mode(at.hub, ADMIN, mode=mode, reason=reason)


def mode_of(at: HubAtHand) -> ModeName:
    return at.hub.mode.name


def state(at: HubAtHand, task: Task) -> TaskState:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, task.id)
    assert found is not None
    return found.state


def said(at: HubAtHand, kind: str) -> list[tuple[str, str]]:
    with at.hub.store.read() as txn:
        lines = [each.entry for each in journal.read(txn)]
    return [(each.who, each.facts.get("reason", "")) for each in lines if each.kind == kind]


def look(at: HubAtHand, **answers: bool) -> None:
    hosts: list[dict[str, Any]] = [
        {"name": name, "error": "" if well else "refused", "engine": "", "containers": []}
        for name, well in answers.items()
    ]
    reconciling.observed(at.hub, {"hosts": hosts})


@pytest.fixture
def worker(at_hand: HubAtHand) -> AgentPrincipal:
    return at_hand.born("researcher")


@pytest.fixture
def held(at_hand: HubAtHand, worker: AgentPrincipal) -> Task:
    """A task that the worker holds."""
    task = submit(at_hand.hub, NewTask(prompt="do it"), ADMIN)[0]
    assert poll(at_hand.hub, worker, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    return task


def test_panic_ends_every_lease_and_hands_out_nothing(
    at_hand: HubAtHand, worker: AgentPrincipal, held: Task
) -> None:
    assert order(at_hand, "panic")["mode"] == "panic"
    assert state(at_hand, held) is TaskState.QUEUED
    assert poll(at_hand.hub, worker, slots=1, holds=(), wait_s=0.0, gone=lambda: False) == []
    done = {"id": "late", "type": "task.completed", "task": held.id, "attempt": 1}
    with pytest.raises(Conflict):
        report(at_hand.hub, worker, {**done, "payload": {"text": "too late"}})
    with pytest.raises(Degraded):
        submit(at_hand.hub, NewTask(prompt="more"), ADMIN)


def test_panic_cuts_open_model_calls_and_grants_no_new_one(at_hand: HubAtHand, held: Task) -> None:
    with at_hand.hub.store.read() as txn:
        leased = task_table.get(txn, held.id)
    assert leased is not None
    assert leased.lease is not None
    call = {
        "token": at_hand.hub.seal.model_token(held.id, 1, leased.lease.instance),
        "container": leased.container,
        "provider": "ollama",
        "path": "/v1/messages",
        "model": "qwen3",
    }
    opened = model_calls.open_call(at_hand.hub, call)["call"]
    assert model_calls.current(at_hand.hub, [opened]) == [opened]
    order(at_hand, "panic")
    assert model_calls.current(at_hand.hub, [opened]) == []
    with pytest.raises(Degraded):
        model_calls.open_call(at_hand.hub, call)


def test_a_container_reserved_before_panic_gets_no_boot_document(at_hand: HubAtHand) -> None:
    reserved = at_hand.reserve("researcher")
    order(at_hand, "panic")
    with pytest.raises(Degraded):
        instances.bind(at_hand.hub, reserved["instance"], "c")
    with pytest.raises(Degraded):
        at_hand.reserve("thinker")


def test_panic_is_left_by_a_resume_alone(at_hand: HubAtHand) -> None:
    order(at_hand, "panic")
    with pytest.raises(Conflict, match="stays so until it is resumed"):
        order(at_hand, "paused")
    assert order(at_hand, "normal", "found it")["mode"] == "normal"
    assert said(at_hand, "mode.panic") == [("operator:uid:0", "a leak")]
    assert said(at_hand, "mode.entered.panic") == [("hub", "a leak")]
    assert said(at_hand, "mode.normal") == [("operator:uid:0", "found it")]


def test_an_order_says_who_why_and_since_when(at_hand: HubAtHand) -> None:
    found = order(at_hand, "paused", "upgrade")
    assert (found["reason"], found["who"], found["since_s"]) == (
        "upgrade",
        "operator:uid:0",
        at_hand.clock.wall_s(),
    )


def test_panic_holds_though_the_store_cannot_take_it_and_is_written_when_it_can(
    at_hand: HubAtHand, held: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(work: Any) -> Any:
        raise StoreUnavailable("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(at_hand.hub.store, "write", full)
        assert order(at_hand, "panic")["mode"] == "panic"
        modes.refresh(at_hand.hub)
        assert mode_of(at_hand) is ModeName.PANIC
    watch.tick(at_hand.hub)
    with at_hand.hub.store.read() as txn:
        kept = orders.get(txn)
    assert kept is not None
    assert kept.mode is ModeName.PANIC
    assert state(at_hand, held) is TaskState.QUEUED


def test_ending_the_leases_twice_ends_them_once(at_hand: HubAtHand, held: Task) -> None:
    order(at_hand, "panic")
    assert panic.end_leases(at_hand.hub) == 0


def test_a_viewer_stops_nothing(at_hand: HubAtHand) -> None:
    viewer = OperatorPrincipal(name="v", role=Role.VIEWER)
    with pytest.raises(Refused):
        modes.set_mode(at_hand.hub, viewer, mode="panic", reason="")


def test_one_engine_of_two_degrades_its_own_host_alone_and_not_at_the_first_miss(
    at_hand: HubAtHand,
) -> None:
    for misses in (1, 2, 3):
        look(at_hand, local=True, gpu=False)
        assert at_hand.hub.mode.hosts_down == (("gpu",) if misses == 3 else ())
    assert mode_of(at_hand) is ModeName.NORMAL
    look(at_hand, local=True, gpu=True)
    assert at_hand.hub.mode.hosts_down == ()


def test_no_engine_at_all_degrades_after_three_misses(at_hand: HubAtHand) -> None:
    for misses in (1, 2, 3):
        look(at_hand, local=False)
        expected = ModeName.DEGRADED if misses == 3 else ModeName.NORMAL
        assert mode_of(at_hand) is expected
    assert at_hand.hub.mode.causes == (("engines", "no engine answers (local)"),)


def test_no_engine_at_all_degrades_after_ten_seconds_when_looks_are_rare(
    at_hand: HubAtHand,
) -> None:
    look(at_hand, local=False)
    at_hand.clock.advance(9.9)
    watch.tick(at_hand.hub)
    assert mode_of(at_hand) is ModeName.NORMAL
    at_hand.clock.advance(0.2)
    watch.tick(at_hand.hub)
    assert mode_of(at_hand) is ModeName.DEGRADED


def test_a_silent_reconciler_degrades_and_its_return_does_not_at_once_undo_it(
    at_hand: HubAtHand,
) -> None:
    look(at_hand, local=True)
    at_hand.clock.advance(30.5)
    watch.tick(at_hand.hub)
    assert mode_of(at_hand) is ModeName.DEGRADED
    assert at_hand.hub.mode.reason.startswith("the reconciler is silent")
    look(at_hand, local=True)
    watch.tick(at_hand.hub)
    at_hand.clock.advance(29.0)
    look(at_hand, local=True)
    watch.tick(at_hand.hub)
    assert mode_of(at_hand) is ModeName.DEGRADED
    at_hand.clock.advance(1.5)
    watch.tick(at_hand.hub)
    assert mode_of(at_hand) is ModeName.NORMAL


def test_a_long_poll_that_nobody_reads_any_more_is_no_sign_of_life(at_hand: HubAtHand) -> None:
    """A stopped reconciler's poll still waits in the hub; its end says nothing."""
    seen_s = at_hand.clock.boot_s()

    def gone() -> bool:
        at_hand.clock.advance(20.0)
        return True

    reconciling.desired(at_hand.hub, after=99, wait_s=20.0, gone=gone)
    assert at_hand.hub.live.reconciler_seen_s == seen_s


def test_a_look_that_began_before_the_panic_does_not_undo_it(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tick had read that nothing is ordered, and wrote its answer down after the panic's."""
    begun, started = threading.Event(), threading.Event()

    def slowly(before: Mode, **facts: Any) -> Mode:
        found = decide_mode(before, **facts)
        monkeypatch.undo()
        begun.set()
        started.wait(10)
        ordered.join(0.3)  # all of the panic, if nothing keeps it from coming in between
        return found

    monkeypatch.setattr("agentctl.service.modes.decide_mode", slowly)
    looking = threading.Thread(target=modes.refresh, args=(at_hand.hub,))
    ordered = threading.Thread(target=order, args=(at_hand, "panic"))
    looking.start()
    assert begun.wait(10)
    ordered.start()
    started.set()
    looking.join(10)
    ordered.join(10)
    assert mode_of(at_hand) is ModeName.PANIC


def test_a_panic_that_comes_while_a_resume_is_written_holds(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(at_hand, "paused")
    clear = orders.clear

    def meanwhile(txn: Txn) -> None:
        clear(txn)
        panic = Order(mode=ModeName.PANIC, reason="a leak", who="operator:b", at_s=1.0)
        at_hand.hub.live.order_unkept = panic

    monkeypatch.setattr(orders, "clear", meanwhile)
    order(at_hand, "normal")
    assert mode_of(at_hand) is ModeName.PANIC
    modes.keep_order(at_hand.hub)
    modes.refresh(at_hand.hub)
    assert mode_of(at_hand) is ModeName.PANIC
