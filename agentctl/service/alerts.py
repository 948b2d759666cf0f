"""The hub's book of alerts: its own checks and what the reconciler found, told on transition.

The book is in memory and is written on a transition only; with a store that can't write it
goes on, and is written when it can be. Source: docs/decisions/0012-modes-and-alerts.md.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from agentctl.errors import StateDamaged, StoreUnavailable
from agentctl.model.alert import Alert, AlertState, Finding, Origin, Severity
from agentctl.model.principal import OperatorPrincipal
from agentctl.monitor.alerts import Book, Key, take
from agentctl.monitor.checks import check
from agentctl.service import modes
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.service.roles import READERS, require_role
from agentctl.service.snapshot import snapshot
from agentctl.store import Txn
from agentctl.store import alerts as alert_table

log = logging.getLogger("agentctl.hub")

CHECK_EVERY_S = 5.0
DAMAGED = "state-damaged"


def load(hub: Hub) -> None:
    """Take up the book as it was kept; one that is damaged is begun anew, its numbers going on."""
    with hub.store.read() as txn:
        hub.live.told_seq = alert_table.told(txn)
        try:
            kept = list(alert_table.all(txn))
        except StateDamaged as why:
            log.error("the alerts that were kept can't be read: %s", why)
            kept = []
    book = Book.of(kept)
    hub.live.book = replace(book, seq=max(book.seq, hub.live.told_seq))


def check_when_due(hub: Hub) -> None:
    """Run the hub's checks every few seconds, and at once after a change of mode."""
    now_s, last_s = hub.clock.boot_s(), hub.live.checked_s
    if last_s is None or now_s - last_s >= CHECK_EVERY_S:
        hub.live.checked_s = now_s
        look(hub)


def look(hub: Hub) -> None:
    """Run the hub's own checks now."""
    try:
        findings = check(snapshot(hub))
    except StateDamaged as why:
        findings = (*_as_found_before(hub), _damaged(why))
    _take(hub, findings, Origin.HUB)


def _as_found_before(hub: Hub) -> tuple[Finding, ...]:
    """Return what the hub's alerts say: a look that failed proves nothing."""
    return tuple(
        Finding(check=each.check, subject=each.subject, severity=each.severity, words=each.words)
        for each in hub.live.book.firing
        if each.origin is Origin.HUB and each.check != DAMAGED
    )


def _damaged(why: StateDamaged) -> Finding:
    return Finding(check=DAMAGED, severity=Severity.CRITICAL, words=str(why))


def reported(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    """Take what the reconciler's checks found, and how far the sinks were told; return what is new."""
    findings = [
        Finding(
            check=each["check"],
            subject=each["subject"],
            severity=Severity(each["severity"]),
            words=each["words"],
        )
        for each in body["findings"]
    ]
    _take(hub, findings, Origin.RECONCILER)
    _set_told(hub, body["told"])
    return {"alerts": [as_row(each) for each in hub.live.book.after(hub.live.told_seq)]}


def show(hub: Hub, who: OperatorPrincipal, *, every: bool) -> dict[str, Any]:
    """Return the alerts that fire now, newest first; with `every` those that were resolved too."""
    require_role(who, READERS, "read alerts")
    found = hub.live.book.after(0) if every else hub.live.book.firing
    return {"alerts": [as_row(each) for each in reversed(found)]}


def as_row(alert: Alert) -> dict[str, Any]:
    """Return an alert as the API shows it."""
    return {
        "check": alert.check,
        "subject": alert.subject,
        "severity": alert.severity.value,
        "state": alert.state.value,
        "words": alert.words,
        "first_s": alert.first_s,
        "since_s": alert.since_s,
        "last_s": alert.last_s,
        "count": alert.count,
        "origin": alert.origin.value,
        "seq": alert.seq,
    }


def _take(hub: Hub, findings: Iterable[Finding], origin: Origin) -> None:
    with hub.live.lock:
        taken = take(hub.live.book, findings, origin=origin, at_s=hub.clock.wall_s())
        hub.live.book = taken.book
        hub.live.book_unkept.update({each.key: each for each in taken.changed})
    for each in taken.changed:
        log.info("alert %s: %s %s", each.state, each.check, each.words)
    _keep(hub, taken.dropped)


def _keep(hub: Hub, dropped: Iterable[Key]) -> None:
    """Write what changed with its journal lines; what can't be written now is tried at the next look."""
    with hub.live.lock:
        unkept = dict(hub.live.book_unkept)
    if not unkept or modes.STORE in hub.live.causes:
        return

    def work(txn: Txn) -> None:
        for alert in sorted(unkept.values(), key=lambda each: each.seq):
            alert_table.put(txn, alert)
            _note(hub, txn, alert)
        for key in dropped:
            alert_table.delete(txn, key)

    try:
        hub.store.write(work)
    except StoreUnavailable:
        return
    with hub.live.lock:
        for key, alert in unkept.items():
            if hub.live.book_unkept.get(key) is alert:
                del hub.live.book_unkept[key]


def _note(hub: Hub, txn: Txn, alert: Alert) -> None:
    note(
        hub,
        txn,
        f"alert.{alert.state}",
        who=alert.origin.value,
        subject=alert.subject,
        check=alert.check,
        severity=alert.severity.value,
        words=alert.words if alert.state is AlertState.FIRING else "",
    )


def _set_told(hub: Hub, seq: int) -> None:
    """Keep how far the sinks were told; a number that was never given counts for nothing."""
    if not hub.live.told_seq < seq <= hub.live.book.seq:
        return
    hub.live.told_seq = seq
    if modes.STORE not in hub.live.causes:
        hub.store.write(lambda txn: alert_table.set_told(txn, seq))
