"""The short cut of redaction leaves nothing in that the patterns would take out."""

from hypothesis import given
from hypothesis import strategies as st

from agentctl.model import redaction

WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", max_size=80)
# What secrets begin with, so that the search is where it could fail.
BEGINNINGS = st.sampled_from(["", "sk", "ghp", "hf", "npm", "glpat", "xoxb", "bearer", "token"])


@given(
    prefix=st.sampled_from(["", "task-", "inst-", "dec-", "msg-", "op-"]),
    head=BEGINNINGS,
    rest=WORDS,
)
def test_no_pattern_matches_what_the_short_cut_lets_through(
    prefix: str, head: str, rest: str
) -> None:
    text = f"{prefix}{head}{rest}"
    assert redaction._HARMLESS.fullmatch(text)
    assert not redaction._SECRETS.search(text)
    assert not redaction._NAMED.search(text)


@given(text=st.text(max_size=80))
def test_any_other_text_meets_the_patterns(text: str) -> None:
    hit = redaction._SECRETS.search(text) or redaction._NAMED.search(text)
    assert not (hit and redaction._HARMLESS.fullmatch(text))
