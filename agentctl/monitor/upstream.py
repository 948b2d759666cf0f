"""Whether a provider is reached, read from how the gateway's calls to it ended."""

from agentctl.monitor.snapshot import Upstream

# The gateway's words for what a provider owes. All its other words are of calls that were refused
# or ended on this side (another model, a label, no key, a client that left): an agent can bring
# those about as it likes, and they say nothing of the provider.
ITS_FAULT = frozenset(
    {"upstream-failed", "upstream-unreached", "upstream-slow", "provider-misplaced"}
)
NUMBERS_FAILED_FROM = 500
KEY_REFUSED = frozenset({"401", "403"})


def after_call(
    before: Upstream | None, word: str, *, now_s: float, why: str = ""
) -> Upstream | None:
    """Return the provider's failures in a row after one more call that ended with `word`; None: none.

    `word` is an HTTP status or the gateway's word for it. A refusal of the request itself (400,
    429) proves that the provider is there. `why` says more of a failure, "" where there is no more.
    """
    if not word.isdecimal() and word not in ITS_FAULT:
        return before
    if not _failed(word):
        return None
    failures = before.failures + 1 if before else 1
    since_s = before.since_s if before else now_s
    return Upstream(failures=failures, word=word, since_s=since_s, why=why)


def in_words(name: str, upstream: Upstream) -> str:
    """Return a failing provider as a person reads it: how often in a row, and why the last time."""
    calls = "1 call" if upstream.failures == 1 else f"{upstream.failures} calls in a row"
    if upstream.why:
        return f"{calls} failed: {upstream.why}"
    return f"{calls} to {name} failed, the last with {upstream.word}"


def _failed(word: str) -> bool:
    if not word.isdecimal():
        return True
    return int(word) >= NUMBERS_FAILED_FROM or word in KEY_REFUSED
