"""Findings become alerts: once each, on transition, resolved by whoever found them, within bounds."""

from agentctl.model.alert import Alert, AlertState, Finding, Origin, Severity
from agentctl.monitor.alerts import FIRING_MAX, KEPT_MAX, Book, Taken, take

DISK = Finding(check="disk", words="90 % full")
HOST = Finding(check="engine", subject="gpu", words="refused", severity=Severity.CRITICAL)


def after(book: Book, *findings: Finding, at_s: float, origin: Origin = Origin.HUB) -> Taken:
    return take(book, findings, origin=origin, at_s=at_s)


def shown(alerts: tuple[Alert, ...] | list[Alert]) -> list[str]:
    return [f"{each.seq} {each.check} {each.state} x{each.count}" for each in alerts]


def test_a_finding_fires_once_and_its_going_resolves_it() -> None:
    first = after(Book(), DISK, at_s=1.0)
    assert shown(first.changed) == ["1 disk firing x1"]
    again = after(first.book, DISK, at_s=2.0)
    assert again.changed == ()
    gone = after(again.book, at_s=3.0)
    assert shown(gone.changed) == ["2 disk resolved x1"]
    assert after(gone.book, at_s=4.0).changed == ()


def test_an_alert_that_goes_on_has_its_newest_words_and_its_last_time() -> None:
    book = after(Book(), DISK, at_s=1.0).book
    worse = Finding(check="disk", words="99 % full", severity=Severity.CRITICAL)
    (alert,) = after(book, worse, at_s=9.0).book.firing
    assert (alert.words, alert.severity) == ("99 % full", Severity.CRITICAL)
    assert (alert.first_s, alert.since_s, alert.last_s) == (1.0, 1.0, 9.0)


def test_one_that_comes_back_is_the_same_alert_counted_again() -> None:
    book = after(Book(), DISK, at_s=1.0).book
    book = after(book, at_s=2.0).book
    taken = after(book, DISK, at_s=3.0)
    assert shown(taken.changed) == ["3 disk firing x2"]
    assert len(taken.book.alerts) == 1
    assert taken.changed[0].first_s == 1.0


def test_the_same_check_on_two_subjects_is_two_alerts() -> None:
    other = Finding(check="engine", subject="local", words="refused")
    assert len(after(Book(), HOST, other, HOST, at_s=1.0).changed) == 2


def test_what_one_process_found_another_cannot_resolve() -> None:
    book = after(Book(), DISK, at_s=1.0, origin=Origin.RECONCILER).book
    assert after(book, at_s=2.0, origin=Origin.HUB).changed == ()
    assert len(after(book, at_s=2.0, origin=Origin.RECONCILER).changed) == 1


def test_who_was_told_up_to_a_number_gets_the_rest_in_order() -> None:
    book = after(Book(), DISK, HOST, at_s=1.0).book
    book = after(book, HOST, at_s=2.0).book
    assert shown(book.after(1)) == ["2 engine firing x1", "3 disk resolved x1"]
    assert book.after(3) == []


def test_a_book_that_was_kept_goes_on_counting() -> None:
    book = after(Book(), DISK, at_s=1.0).book
    again = Book.of(book.alerts.values())
    assert again == book
    assert after(again, DISK, HOST, at_s=2.0).changed[0].seq == 2


def test_the_book_is_bounded_and_the_oldest_resolved_ones_go_first() -> None:
    book = Book()
    for round_ in range(4):
        many = [
            Finding(check="x", subject=f"{round_}-{number}", words="")
            for number in range(FIRING_MAX + 50)
        ]
        taken = after(book, *many, at_s=float(round_))
        assert len(taken.book.firing) == FIRING_MAX
        book = after(taken.book, at_s=round_ + 0.5).book
        assert len(book.alerts) <= KEPT_MAX
    assert not any(subject.startswith("0-") for _, subject in book.alerts)
    assert all(each.state is AlertState.RESOLVED for each in book.alerts.values())


def test_words_are_bounded() -> None:
    long = Finding(check="x", words="w" * 10_000)
    (alert,) = after(Book(), long, at_s=1.0).changed
    assert len(alert.words) == 500
