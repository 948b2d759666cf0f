"""A journal's chain shows every way of tampering with it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.chain import GENESIS, Break, Head, canonical_line, first_break, link
from agentctl.model.journal import Entry, Line

LINE = (
    '{"at_s":1.5,"entry":{"decision":"","facts":{"to":"\\u00e9"},"generation":3,"kind":"task.submitted",'
    '"label":"internal","subject":"task-1","who":"operator:a"},'
    '"hash":"5e4ceb49","previous":"0000","seq":1}'
)


def entry(subject: str) -> Entry:
    return Entry(kind="task.submitted", who="operator:a", subject=subject)


def journal(length: int = 5) -> list[Line]:
    lines: list[Line] = []
    for number in range(length):
        after = Head(seq=lines[-1].seq, hash=lines[-1].hash) if lines else Head()
        lines.append(link(entry(f"task-{number}"), at_s=float(number), after=after))
    return lines


def edited(line: Line) -> Line:
    return replace(line, entry=replace(line.entry, who="operator:mallory"))


def rewritten(lines: list[Line]) -> list[Line]:
    """Return the same history with line 3 changed and all hashes made anew, as an insider would."""
    kept = lines[:2]
    for line in [edited(lines[2]), *lines[3:]]:
        kept.append(
            link(line.entry, at_s=line.at_s, after=Head(seq=kept[-1].seq, hash=kept[-1].hash))
        )
    return kept


def test_the_canonical_form_is_sorted_tight_and_ascii() -> None:
    line = Line(
        seq=1,
        at_s=1.5,
        entry=Entry(
            kind="task.submitted",
            who="operator:a",
            subject="task-1",
            generation=3,
            label="internal",
            facts={"to": "é"},
        ),
        previous="0000",
        hash="5e4ceb49",
    )
    assert canonical_line(line) == LINE


def test_a_line_hashes_the_same_on_every_machine_and_version() -> None:
    assert link(entry("task-1"), at_s=1, after=Head()).hash == (
        "64b9c94f913383ba1f6cc9df39f6f4a3650b6742cc1b95f33e813c876db93472"
    )


def test_the_first_line_follows_nothing() -> None:
    assert journal(1)[0].previous == GENESIS


def test_an_untouched_journal_holds() -> None:
    lines = journal()
    head = Head(seq=5, hash=lines[-1].hash)
    assert first_break(lines, head=head, checkpoints={2: lines[1].hash}) is None
    assert first_break([]) is None


TAMPERINGS: dict[str, tuple[Callable[[list[Line]], list[Line]], int]] = {
    "edited": (lambda lines: [*lines[:2], edited(lines[2]), *lines[3:]], 3),
    "dropped": (lambda lines: [*lines[:2], *lines[3:]], 3),
    "first dropped": (lambda lines: lines[1:], 1),
    "reordered": (lambda lines: [*lines[:2], lines[3], lines[2], lines[4]], 3),
    "doubled": (lambda lines: [*lines[:3], *lines[2:]], 4),
    "renumbered after a drop": (
        lambda lines: [*lines[:2], *(replace(each, seq=each.seq - 1) for each in lines[3:])],
        3,
    ),
    "an edit with its own hash made anew": (
        lambda lines: [
            *lines[:2],
            link(edited(lines[2]).entry, at_s=2.0, after=Head(seq=2, hash=lines[1].hash)),
            *lines[3:],
        ],
        4,
    ),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_is_found_at_its_line(how: str) -> None:
    tamper, at = TAMPERINGS[how]
    broken = first_break(tamper(journal()))
    assert broken is not None
    assert broken.seq == at


def test_a_cut_off_end_is_found_by_the_head_or_a_checkpoint() -> None:
    lines = journal()
    missing = Break(seq=4, reason="is missing: the journal went on to line 5")
    assert first_break(lines[:3]) is None
    assert first_break(lines[:3], head=Head(seq=5, hash=lines[4].hash)) == missing
    assert first_break(lines[:3], checkpoints={5: lines[4].hash}) == missing


def test_a_chain_written_anew_is_found_by_a_checkpoint_alone() -> None:
    lines = journal()
    assert first_break(rewritten(lines)) is None
    broken = first_break(rewritten(lines), checkpoints={4: lines[3].hash})
    assert str(broken) == "line 4: isn't the line that a checkpoint was made of"


def test_a_journal_without_its_oldest_lines_holds_from_the_last_of_them() -> None:
    lines = journal()
    after = Head(seq=2, hash=lines[1].hash)
    assert first_break(lines[2:], after=after) is None
    assert first_break(lines[3:], after=after) is not None


TEXTS = st.text(max_size=40)


@given(
    entry=st.builds(
        Entry,
        kind=TEXTS,
        who=TEXTS,
        subject=TEXTS,
        decision=TEXTS,
        generation=st.integers(min_value=0),
        label=TEXTS,
        facts=st.dictionaries(TEXTS, TEXTS, max_size=12),
    ),
    at_s=st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**40)),
    seq=st.integers(0, 2**53),
)
def test_what_is_linked_the_quick_way_verifies_the_long_way(
    entry: Entry, at_s: float, seq: int
) -> None:
    before = Head(seq=seq, hash=GENESIS)
    line = link(entry, at_s=at_s, after=before)
    assert first_break([line], after=before, head=Head(seq=line.seq, hash=line.hash)) is None
