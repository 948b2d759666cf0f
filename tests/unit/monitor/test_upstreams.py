"""What the end of a model call says of its provider."""

import pytest

from agentctl.monitor.snapshot import Upstream
from agentctl.monitor.upstream import after_call, in_words

TWICE = Upstream(failures=2, word="529", since_s=5.0)


OWED = ("500", "529", "401", "403", "upstream-failed", "upstream-unreached", "upstream-slow")
ENDED_HERE = ("cut", "client gone", "call-cut", "provider-unusable", "provider-away", "failed")
REFUSED_HERE = ("refused", "conflict", "throttled", "malformed-body")


@pytest.mark.parametrize("word", [*OWED, "provider-misplaced"])
def test_what_the_provider_owes_counts_as_a_failure(word: str) -> None:
    assert after_call(TWICE, word, now_s=9.0) == Upstream(failures=3, word=word, since_s=5.0)
    assert after_call(None, word, now_s=9.0) == Upstream(failures=1, word=word, since_s=9.0)


@pytest.mark.parametrize("word", ["200", "400", "404", "429"])
def test_any_answer_of_its_own_proves_that_it_is_there(word: str) -> None:
    assert after_call(TWICE, word, now_s=9.0) is None


@pytest.mark.parametrize("word", [*ENDED_HERE, *REFUSED_HERE])
def test_a_call_that_was_refused_or_ended_on_this_side_says_nothing(word: str) -> None:
    assert after_call(TWICE, word, now_s=9.0) is TWICE
    assert after_call(None, word, now_s=9.0) is None


def test_the_last_failures_cause_is_kept_and_said() -> None:
    why = "provider qwen can't be reached at http://127.0.0.1:11434: Connection refused"
    found = after_call(TWICE, "upstream-failed", now_s=9.0, why=why)
    assert found is not None
    assert in_words("qwen", found) == f"3 calls in a row failed: {why}"
    assert in_words("qwen", TWICE) == "2 calls in a row to qwen failed, the last with 529"
