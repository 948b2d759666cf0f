"""Alerts, the operator's order, agents set apart: what is put comes back, on disk and in memory."""

from dataclasses import replace

from agentctl.model.alert import Alert, AlertState, Origin, Severity
from agentctl.model.mode import ModeName, Order
from agentctl.model.quarantine import Quarantine
from agentctl.store import Store, alerts, orders, quarantined_agents

FIRING = Alert(
    check="engine",
    subject="gpu",
    severity=Severity.CRITICAL,
    words="refused",
    state=AlertState.FIRING,
    origin=Origin.HUB,
    seq=4,
    first_s=1.0,
    since_s=2.0,
    last_s=3.0,
    count=2,
)


def test_an_alert_is_kept_once_for_check_and_subject(store: Store) -> None:
    for each in (
        FIRING,
        replace(FIRING, state=AlertState.RESOLVED, seq=5),
        replace(FIRING, subject="", seq=6),
    ):
        store.write(lambda txn, each=each: alerts.put(txn, each))  # type: ignore[misc]
    with store.read() as txn:
        kept = list(alerts.all(txn))
    assert sorted((each.subject, each.state.value, each.seq) for each in kept) == [
        ("", "firing", 6),
        ("gpu", "resolved", 5),
    ]
    assert store.write(lambda txn: alerts.delete(txn, ("engine", "gpu")))
    assert not store.write(lambda txn: alerts.delete(txn, ("engine", "gpu")))


def test_how_far_alerts_were_told_is_kept(store: Store) -> None:
    with store.read() as txn:
        assert alerts.told(txn) == 0
    store.write(lambda txn: alerts.set_told(txn, 7))
    with store.read() as txn:
        assert alerts.told(txn) == 7


def test_the_order_in_force_is_the_last_one_until_it_is_cleared(store: Store) -> None:
    pause = Order(mode=ModeName.PAUSED, reason="upgrade", who="operator:ann", at_s=1.5)
    panic = replace(pause, mode=ModeName.PANIC)
    with store.read() as txn:
        assert orders.get(txn) is None
    for each in (pause, panic):
        store.write(lambda txn, each=each: orders.put(txn, each))  # type: ignore[misc]
    with store.read() as txn:
        assert orders.get(txn) == panic
    store.write(orders.clear)
    with store.read() as txn:
        assert orders.get(txn) is None


def test_an_agent_is_set_apart_until_it_is_forgotten(store: Store) -> None:
    one = Quarantine(agent="researcher", who="operator:ann", why="odd", since_s=1.5)
    other = replace(one, agent="clerk", why="")
    for each in (one, other):
        store.write(lambda txn, each=each: quarantined_agents.put(txn, each))  # type: ignore[misc]
    with store.read() as txn:
        assert quarantined_agents.get(txn, "researcher") == one
        assert quarantined_agents.get(txn, "research") is None
        assert list(quarantined_agents.all(txn)) == ["clerk", "researcher"]
        assert quarantined_agents.names(txn) == {"clerk", "researcher"}
    assert store.write(lambda txn: quarantined_agents.delete(txn, "clerk"))
    assert not store.write(lambda txn: quarantined_agents.delete(txn, "clerk"))
