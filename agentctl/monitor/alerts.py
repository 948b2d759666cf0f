"""Findings become alerts: fired when they come, resolved when they go, each kept once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from agentctl.model.alert import WORDS_MAX, Alert, AlertState, Finding, Origin

Key = tuple[str, str]
KEPT_MAX = 1000  # records; the resolved ones that changed longest ago go first
FIRING_MAX = 500  # at once: past that, who is paged has more than enough to read


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All alerts by check and subject, and the number of the newest transition."""

    alerts: Mapping[Key, Alert] = field(default_factory=dict)
    seq: int = 0

    @classmethod
    def of(cls, alerts: Iterable[Alert]) -> "Book":
        """Return the book of alerts that were kept."""
        kept = {each.key: each for each in alerts}
        return cls(alerts=kept, seq=max((each.seq for each in kept.values()), default=0))

    @property
    def firing(self) -> list[Alert]:
        """Those that fire now, in the order in which they began."""
        found = [each for each in self.alerts.values() if each.state is AlertState.FIRING]
        return sorted(found, key=lambda each: each.seq)

    def after(self, seq: int) -> list[Alert]:
        """Return the alerts whose newest transition came after number `seq`, in order."""
        return sorted(
            (each for each in self.alerts.values() if each.seq > seq), key=lambda each: each.seq
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A book after a look: what fired or was resolved, and what was dropped to stay within bounds."""

    book: Book
    changed: tuple[Alert, ...] = ()
    dropped: tuple[Key, ...] = ()


def take(book: Book, findings: Iterable[Finding], *, origin: Origin, at_s: float) -> Taken:
    """Return the book after `origin` has looked: all that it found now, and nothing else.

    What it had found before and doesn't find now is resolved. An alert that goes on firing
    has its words and its last time renewed: that is no transition.
    """
    found = {(each.check, each.subject): each for each in findings}
    alerts = dict(book.alerts)
    changed: list[Alert] = []
    seq = book.seq
    firing = len(book.firing)
    for key, finding in found.items():
        before = alerts.get(key)
        if before is not None and before.state is AlertState.FIRING:
            alerts[key] = _again(before, finding, at_s)
        elif firing < FIRING_MAX:
            seq, firing = seq + 1, firing + 1
            alerts[key] = _fired(before, finding, origin, seq, at_s)
            changed.append(alerts[key])
    for key, each in book.alerts.items():
        if each.state is AlertState.FIRING and each.origin is origin and key not in found:
            seq += 1
            alerts[key] = replace(each, state=AlertState.RESOLVED, seq=seq, since_s=at_s)
            changed.append(alerts[key])
    dropped = _surplus(alerts)
    for key in dropped:
        del alerts[key]
    return Taken(book=Book(alerts=alerts, seq=seq), changed=tuple(changed), dropped=dropped)


def _again(before: Alert, finding: Finding, at_s: float) -> Alert:
    return replace(before, words=finding.words[:WORDS_MAX], severity=finding.severity, last_s=at_s)


def _fired(before: Alert | None, finding: Finding, origin: Origin, seq: int, at_s: float) -> Alert:
    return Alert(
        check=finding.check,
        subject=finding.subject,
        severity=finding.severity,
        words=finding.words[:WORDS_MAX],
        state=AlertState.FIRING,
        origin=origin,
        seq=seq,
        first_s=before.first_s if before else at_s,
        since_s=at_s,
        last_s=at_s,
        count=before.count + 1 if before else 1,
    )


def _surplus(alerts: Mapping[Key, Alert]) -> tuple[Key, ...]:
    resolved = [each for each in alerts.values() if each.state is AlertState.RESOLVED]
    oldest = sorted(resolved, key=lambda each: each.seq)
    return tuple(each.key for each in oldest[: max(len(alerts) - KEPT_MAX, 0)])
