"""What a finding quotes has no credentials of URLs in it, and the caret stays where it belongs."""

import time

import pytest

from agentctl.config.finding import Finding, shown
from agentctl.config.masking import masked, masked_line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://ada:pw@h/x", "https://***@h/x"),
        ("see 'HTTP://token@h', and b@c", "see 'HTTP://***@h', and b@c"),
        ("tcp://:pw@h:1", "tcp://***@h:1"),
        ("https://ada:p@s/s?w#d@h/x", "https://***@h/x"),
        ("https://a:1@h https://b:2@i", "https://***@h https://***@i"),
        ("https://***@h", "https://***@h"),
        ("ssh://ops@h", "ssh://ops@h"),
        ("https://h/x and ada@h", "https://h/x and ada@h"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
    ],
)
def test_userinfo_is_masked(text: str, said: str) -> None:
    assert masked(text) == said


def test_a_value_is_masked_before_it_is_cut() -> None:
    assert "hunter" not in shown(f"https://ada:{'hunter' * 40}@h")


def test_every_word_of_a_finding_is_masked() -> None:
    url = "https://ada:pw@h"
    finding = Finding(
        rule="r", message=url, path=url, expected=url, found=url, suggestion=url, file="f.yaml"
    )
    assert "pw" not in repr(finding)
    assert repr(finding).count("https://***@h") == 5


@pytest.mark.parametrize(("column", "moved"), [(0, 0), (11, 11), (18, 11), (19, 15), (22, 18)])
def test_the_caret_stays_under_its_column(column: int, moved: int) -> None:
    line = "a: https://ada:pwd@h, b"  # the userinfo and its @ are columns 11 to 18
    assert masked_line(line, column) == ("a: https://***@h, b", moved)


def test_a_line_made_to_be_slow_is_not() -> None:
    began = time.monotonic()
    masked("://:" * 25_000 + " @")
    assert time.monotonic() - began < 5
