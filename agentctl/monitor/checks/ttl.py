"""Containers that live on past their time, agentd's own stop and the reconciler's behind it."""

from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.monitor.snapshot import Snapshot

SLACK_S = 90.0  # after the grace: the reconciler stops at 30 s, and a pass takes its time


def check(snapshot: Snapshot) -> Iterator[Finding]:
    for each in snapshot.living:
        if each.ttl_s is None:
            continue
        over_s = snapshot.now_s - (each.created_s + each.ttl_s + each.grace_s)
        if over_s > SLACK_S:
            yield Finding(
                check="ttl",
                subject=each.instance,
                severity=Severity.CRITICAL,
                words=f"{each.agent} on {each.host} lives {over_s:.0f} s past its TTL of"
                f" {each.ttl_s:.0f} s",
            )
