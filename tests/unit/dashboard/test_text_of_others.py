"""Text that others wrote: what hides is written out, what is long is cut, code is told from words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.dashboard.frame import Frame
from agentctl.dashboard.render import render
from agentctl.dashboard.visible import short, spans, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, naïve, 日本 and 🙂", "plain, naïve, 日本 and 🙂"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\u202eevil\u202c", "\\u202eevil\\u202c"),
        ("a\u200bb\u00adc\ufeff", "a\\u200bb\\xadc\\ufeff"),
        ("\x1b[31m\x07\x00", "\\x1b[31m\\x07\\x00"),
        ("\ud800", "\\ud800"),
        ("a\u2028b\r", "a\\u2028b\\r"),
        ("a\U000e0041b", "a\\U000e0041b"),
        ("no\u00a0break", "no\u00a0break"),
    ],
)
def test_what_hides_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(alphabet=st.characters()))
def test_nothing_that_is_shown_hides_and_all_of_it_can_be_sent(text: str) -> None:
    shown = visible(text)
    shown.encode()
    assert visible(shown) == shown
    assert not set(shown) & set(
        "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b\u200e\u200f\x1b\r"
    )


def test_a_sentence_is_its_first_line_and_bounded() -> None:
    assert short("  one\ntwo") == "one"
    assert short("a" * 20, 10) == "a" * 9 + "…"


def test_code_is_between_backticks_and_a_lone_one_is_just_that() -> None:
    assert spans("see `agentctl tasks`, then") == [
        (False, "see "),
        (True, "agentctl tasks"),
        (False, ", then"),
    ]
    assert spans("it's 5` long") == [(False, "it's 5` long")]


def test_whatever_a_template_prints_is_escaped_and_made_visible() -> None:
    view = {"title": "<b>\u202e", "detail": "`<i>` & 'q' \"d\"", "hint": None}
    page = render("error", Frame(title="x", fragment=True), view)
    assert "&lt;b&gt;\\u202e" in page
    assert "<code>&lt;i&gt;</code> &amp; &#39;q&#39; &#34;d&#34;" in page
