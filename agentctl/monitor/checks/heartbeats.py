"""Containers that run and have gone silent, and those that never came up."""

from collections import defaultdict
from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.snapshot import Living, Snapshot

BEATS_MISSED = 3
POLL_S = 45.0  # an idle agent speaks once in a long poll, of 30 s at most
START_S = 60.0  # agentd ends itself when no boot document comes for 30 s

_EXPECTED = {"running": "silent", "starting": "not up", "configuring": "not up"}


def check(snapshot: Snapshot) -> Iterator[Finding]:
    silent_s = max(POLL_S, BEATS_MISSED * snapshot.monitoring.heartbeat_s)
    silent: dict[tuple[str, str], list[Living]] = defaultdict(list)
    for each in snapshot.living:
        word = _EXPECTED.get(each.state)
        limit_s = silent_s if word == "silent" else START_S
        if word and snapshot.now_s - each.seen_s > limit_s:
            silent[each.agent, word].append(each)
    for (agent, word), found in silent.items():
        oldest = min(found, key=lambda each: each.seen_s)
        yield Finding(
            check="heartbeat",
            subject=agent if word == "silent" else f"{agent} start",
            words=f"{len(found)} of {agent}'s containers {'is' if len(found) == 1 else 'are'} {word}:"
            f" {oldest.instance} on {oldest.host} for {snapshot.now_s - oldest.seen_s:.0f} s",
        )
