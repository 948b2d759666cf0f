"""What is past its time is named for a stop; what has no record only after two scans a grace apart."""

from dataclasses import replace

from agentctl.model.instance import ContainerState
from agentctl.reconcile import births
from agentctl.reconcile.expiry import TTL_SLACK_S, expired
from agentctl.reconcile.orphans import Orphans
from tests.unit.reconcile.declared import OURS, RESEARCHER, container, fleet, seen

SHORT = replace(RESEARCHER, ttl_s=60.0, grace_s=5.0)
PAST = births(fleet(SHORT))
ENDS_S = 1000.0 + 60.0 + 5.0 + TTL_SLACK_S


def test_a_container_past_ttl_grace_and_slack_is_stopped_with_its_own_grace() -> None:
    running = container(SHORT)
    assert expired(seen(running), PAST, installation=OURS, now_s=ENDS_S + 1) == ((running, 5.0),)


def test_agentd_has_the_time_to_stop_by_itself_first() -> None:
    assert expired(seen(container(SHORT)), PAST, installation=OURS, now_s=ENDS_S - 1) == ()


def test_neither_a_stopped_nor_a_foreign_container_is_stopped() -> None:
    others = seen(
        container(SHORT, 0, state=ContainerState.EXITED),
        container(SHORT, 1, installation="installation-2"),
    )
    assert expired(others, PAST, installation=OURS, now_s=1e9) == ()


def test_a_container_whose_birth_nobody_remembers_is_left_to_its_agentd() -> None:
    assert expired(seen(container(SHORT)), {}, installation=OURS, now_s=1e9) == ()


def scan(orphans: Orphans, known: frozenset[str], now_s: float) -> Orphans:
    return orphans.scanned(seen(container(RESEARCHER)), known=known, installation=OURS, now_s=now_s)


def test_an_orphan_is_condemned_after_two_scans_a_grace_apart() -> None:
    once = scan(Orphans(), frozenset(), 10.0)
    assert once.condemned(grace_s=60.0, now_s=10.0) == frozenset()
    twice = scan(once, frozenset(), 70.0)
    assert twice.condemned(grace_s=60.0, now_s=70.0) == {"c-researcher-0"}


def test_a_container_that_got_its_record_is_no_orphan_any_more() -> None:
    once = scan(Orphans(), frozenset(), 10.0)
    recorded = scan(once, frozenset({"inst-researcher-0"}), 70.0)
    assert recorded == Orphans()


def test_a_foreign_container_is_no_orphan() -> None:
    foreign = seen(container(RESEARCHER, installation="installation-2"))
    found = Orphans().scanned(foreign, known=frozenset(), installation=OURS, now_s=1.0)
    assert found == Orphans()
