"""The key that signs SVIDs is old: time to make another."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.snapshot import Snapshot

DAY_S = 86400.0


def check(snapshot: Snapshot) -> Iterator[Finding]:
    made_s = snapshot.key_made_s
    limit_s = snapshot.monitoring.signing_key_age_s
    if made_s is not None and snapshot.now_s - made_s > limit_s:
        days = (snapshot.now_s - made_s) / DAY_S
        yield Finding(
            check="signing-key",
            words=f"the key that signs SVIDs is {days:.0f} days old, the bound is"
            f" {limit_s / DAY_S:.0f}; `agentctl keys rotate` makes another",
        )
