"""What `agentctl state restore` says of what it did, and of what is to be done next."""

from collections.abc import Iterator

from agentctl.store.carry_over import Kept
from agentctl.store.restore import Restored

_TAKEN = {
    Kept.QUARANTINES: "agents quarantined: {} (`agentctl release AGENT` each that may work)",
    Kept.WORKSPACES: "workspaces that count as holding anything: {} (they serve nobody until"
    " `agentctl declassify AGENT/REPLICA --to LEVEL --why TEXT`)",
    Kept.TOKENS: "operator tokens revoked: {} (`agentctl token create` makes new ones)",
    Kept.CONTAINERS: "containers whose credentials ended: {} (new ones take their places)",
}


def said(done: Restored) -> Iterator[str]:
    """Yield the lines for people."""
    if done.replaced_line > done.line:
        lost = f"{done.line + 1} to {done.replaced_line}"
        yield f"journal lines {lost} are in the store before it alone"
    if done.installation_changed:
        yield "this state directory now is the installation of the backup"
    counts = {each: getattr(done.taken, each.value) for each in Kept}
    if done.unknown and any(counts.values()):
        yield from _worst(done, counts)
    elif done.unknown:
        yield f"what came after line {done.line} is forgotten, as you asked: {done.unknown}"


def _worst(done: Restored, counts: dict[Kept, int]) -> Iterator[str]:
    yield f"what came after line {done.line} can't be known: {done.unknown}"
    yield "so the worst is taken, until you say otherwise:"
    yield "  the fleet is paused"
    for each, words in _TAKEN.items():
        if counts[each]:
            yield f"  {words.format(counts[each])}"
    yield "next: `agentctl serve`, `agentctl apply` (what it declares anew counts as above), look,"
    yield "release, and `agentctl resume`. If you know that nothing of it happened since, restore"
    yield f"again with --forget {'|'.join(Kept)}|all. docs/recovery.md says more"
