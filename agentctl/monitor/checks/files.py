"""The followed files can't be applied: what runs is the last good generation, not what they say."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.snapshot import Snapshot

WORDS_MAX = 300


def check(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.files is not None:
        first = snapshot.files.why.strip().partition("\n")[0]
        yield Finding(
            check="files",
            subject="",
            words=f"the followed files are not applied: {first}"[:WORDS_MAX],
        )
