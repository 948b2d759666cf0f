"""What the dashboard's pages hang on, as a value that costs next to nothing: the same, the same page.

Whatever is written leaves a line in the journal, so its head stands for the store.
"""

from typing import Any

from agentctl.service.context import Hub
from agentctl.store import journal

MINUTE_S = 60.0  # no page tells time finer than this


def stamp(hub: Hub) -> tuple[Any, ...]:
    """Return a value that differs whenever a page may."""
    live = hub.live
    with hub.store.read() as txn:
        head = journal.head(txn).seq
    return (
        live.listening_since_s,
        head,
        hub.fleet.generation.number if hub.fleet else 0,
        live.mode,
        live.book.seq,
        live.last_pass.get("converged"),
        [(each["name"], each["error"], each["containers"]) for each in live.hosts],
        sorted(live.unusable),
        sorted(live.away),
        sorted(live.upstreams),
        live.files,
        hub.clock.wall_s() // MINUTE_S,
    )
