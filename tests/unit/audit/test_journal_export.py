"""An export is read back only if it is, byte for byte, what was written."""

import hashlib
import json

import pytest

from agentctl.audit import as_text, line_of, lines_of
from agentctl.errors import StateDamaged
from agentctl.model.chain import Head, document, link
from agentctl.model.journal import Entry

LINE = link(
    Entry(kind="task.routed", who="hub", subject="task-1", facts={"to": "é\u2028", "n": "1"}),
    at_s=1.25,
    after=Head(),
)


def test_an_exported_line_is_one_row_and_comes_back_the_same() -> None:
    row = as_text(LINE)
    assert row.count("\n") == 1
    assert row.isascii()
    assert list(lines_of([row])) == [LINE]


def test_a_row_can_be_checked_with_json_and_sha256_alone() -> None:
    document = json.loads(as_text(LINE))
    claimed = document.pop("hash")
    tight = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(tight).hexdigest() == claimed


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.replace('{"at_s"', '{"added":1,"at_s"'),
        lambda row: row.replace('"seq":1', '"seq":1,"seq":1'),
        lambda row: row.replace('"seq":1', '"seq": 1'),
        lambda row: row.replace("\\u00e9", "é"),
        lambda row: row.replace('"seq":1', '"seq":"1"'),
        lambda row: row[:40],
        lambda row: "\n",
        lambda row: "[" * 100_000,
    ],
)
def test_a_row_of_any_other_form_is_refused_by_its_place(change: object) -> None:
    changed = change(as_text(LINE))  # type: ignore[operator]
    with pytest.raises(StateDamaged, match="row 2 "):
        list(lines_of([as_text(LINE), changed]))


def test_a_line_from_the_hub_is_the_line() -> None:
    assert line_of(json.loads(json.dumps(document(LINE)))) == LINE
    with pytest.raises(StateDamaged):
        line_of({"seq": 1})
