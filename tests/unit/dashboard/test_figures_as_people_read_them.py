"""Durations, money, counts, bytes; and the last hour as bars."""

import pytest

from agentctl.dashboard import sparkline, spoken


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (-3, "0.0 s"),
        (0.25, "0.2 s"),
        (45, "45 s"),
        (150, "2 min"),
        (3 * 3600, "3 h"),
        (5 * 86400, "5 d"),
    ],
)
def test_a_duration_is_said_in_one_unit(seconds: float | None, said: str) -> None:
    assert spoken.duration(seconds) == said


def test_an_age_is_no_finer_than_a_minute() -> None:
    assert [spoken.age(each) for each in (0, 59.9, 60, 119, 120, 7300)] == [
        "now",
        "now",
        "1 min",
        "1 min",
        "2 min",
        "2 h",
    ]


def test_money_counts_and_bytes() -> None:
    assert [spoken.money(each) for each in (None, 0.0, 0.0042, 12.5, 1234.5)] == [
        "–",
        "$0.00",
        "$0.0042",
        "$12.50",
        "$1,234.50",
    ]
    assert spoken.many(1, "task") == "1 task"
    assert spoken.many(12345, "task") == "12\u202f345 tasks"
    assert spoken.size(2 * 1024**3) == "2 GiB"
    assert spoken.size(512) == "512 bytes"


def test_bars_stand_side_by_side_what_failed_on_top_and_nothing_where_nothing_ended() -> None:
    drawn = sparkline.bars([(0, 0), (4, 0), (2, 2), (0, 0)])
    assert [(each.x, each.y, each.height, each.kind) for each in drawn] == [
        (60.0, 4.0, 40.0, "ok"),
        (120.0, 24.0, 20.0, "ok"),
        (120.0, 4.0, 20.0, "bad"),
    ]


def test_one_beside_a_thousand_is_still_seen_and_no_bar_leaves_the_drawing() -> None:
    drawn = sparkline.bars([(1000, 0), (1, 1)])
    assert all(each.height >= sparkline.LEAST for each in drawn)
    assert all(0 <= each.y <= sparkline.HEIGHT for each in drawn)
    assert sparkline.bars([(0, 0)] * 60) == []
