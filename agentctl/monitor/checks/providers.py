"""A model provider is away and its work is held, or it fails the gateway's calls one after the other."""

from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.monitor.snapshot import Snapshot
from agentctl.monitor.upstream import in_words

KEY_TROUBLE = frozenset({"401", "403"})  # no number of tries mends these


def check(snapshot: Snapshot) -> Iterator[Finding]:
    limit = snapshot.monitoring.provider_failures
    for name, why in snapshot.away.items():
        words = f"{name} is {why}; its work is held"
        yield Finding(check="provider", subject=name, severity=Severity.CRITICAL, words=words)
    for name, upstream in snapshot.upstreams.items():
        if name in snapshot.away:
            continue
        if upstream.word in KEY_TROUBLE and upstream.failures:
            what = f"{name} refuses the key ({upstream.word})"
        elif upstream.failures >= limit:
            what = in_words(name, upstream)
        else:
            continue
        yield Finding(check="provider", subject=name, severity=Severity.CRITICAL, words=what)
