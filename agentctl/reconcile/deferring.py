"""Which changes may wait until a container is idle of its own accord (`on_change: defer`), and which may not.

What narrows where an agent's work goes or what it may do is never deferred: it drains. Where it
can't be told, a change counts as narrower. Source: docs/decisions/0033-deferred-changes.md.
"""

from collections.abc import Iterator, Sequence

from agentctl.model.plan import Cause
from agentctl.reconcile.births import Born
from agentctl.reconcile.causes import differences

# What a container is made of and how much it gets: the agent may do with it what it could before.
_HARMLESS = frozenset(
    {
        "image",
        "grace",
        "resources.cpus",
        "resources.memory",
        "resources.pids",
        "workspace.size",
    }
)
UNKNOWN = "nobody remembers what it was born with"


def not_deferred(old: Born | None, new: Born, levels: Sequence[str]) -> str:
    """Return why the change from `old` to `new` isn't deferred, "" where it may be.

    `old` is None where the birth isn't known any more. Provider, executor and lifecycle are never
    deferred: the hub gives a container of another provider or lifecycle no work anyway, and what a
    command line permits can't be told from its words.
    """
    if old is None or old.spec.name != new.spec.name:
        return UNKNOWN
    wider = frozenset(_wider(old, new, levels))
    narrower = [each for each in differences(old, new) if each.what not in _HARMLESS | wider]
    return _words(narrower)


def _wider(old: Born, new: Born, levels: Sequence[str]) -> Iterator[str]:
    """Yield the fields whose change only adds: the old container lacks something, and has nothing too much."""
    before, after = old.spec, new.spec
    if {before.clearance, after.clearance} <= {*levels} and levels.index(
        before.clearance
    ) <= levels.index(after.clearance):
        yield "clearance"
    if {*before.egress} <= {*after.egress}:
        yield "egress"
    if before.ttl_s <= after.ttl_s:
        yield "ttl"
    had = {each.name for each in before.secrets}
    yield from (f"secrets.{each.name}" for each in after.secrets if each.name not in had)


def _words(narrower: Sequence[Cause]) -> str:
    if not narrower:
        return ""
    more = f", and {len(narrower) - 1} more" if len(narrower) > 1 else ""
    return f"{narrower[0]}{more}: that may narrow what it may do"
