"""What the hub keeps in memory only: who waits, who was seen, the last pass, open model calls.

All of it may be lost at any instant: agents poll again, the reconciler reports again, and
the gateway asks again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from agentctl.model.alert import Alert
from agentctl.model.away import Away
from agentctl.model.fleet import AgentSpec, Provider
from agentctl.model.message import RATE_BURST, RATE_PER_S
from agentctl.model.mode import Mode, Order
from agentctl.model.principal import AgentPrincipal
from agentctl.monitor.alerts import Book
from agentctl.monitor.reach import Misses
from agentctl.monitor.snapshot import Barred, Unapplied, Upstream
from agentctl.routing.reach import Reached
from agentctl.service.chains import Chains
from agentctl.service.mailboxes import Mailboxes
from agentctl.service.opa_memory import OpaMemory
from agentctl.service.pulse import Pulse
from agentctl.service.rate import Rate
from agentctl.service.refusals import Refusals
from agentctl.service.sessions import CODES_MAX, SESSIONS_MAX, Kept

SUBMITS_BURST = 50_000  # of one submitter: half of what may wait in all, so others find room
SUBMITS_PER_S = 100.0  # beyond the burst: a fleet of a thousand agents ends fewer
SVIDS_REMEMBERED_MAX = 20_000  # one per container and renewal; some 6 MB
CALLS_MAX = 10_000  # open model calls counted for metrics; the gateway's own bound is far lower
TUNNELS_BURST = 300  # of one container: an install of a large project opens some dozens at once
TUNNELS_PER_S = 5.0  # each leaves three lines in the journal
# Over days those would be a gigabyte of one container's: these come to some 30 MB a day.
TUNNELS_LONG_BURST = 5000
TUNNELS_LONG_PER_S = 0.1
SIGN_INS_BURST = 10  # of all people together: there is nothing to guess, and nobody needs more
SIGN_INS_PER_S = 0.5
WAKE_COUNTS = 4096  # shared by all keys there ever were: two that share one cost a needless look
WAIT_SLICE_S = 1.0  # how long a waiter sleeps before it looks whether its client is still there
LOOK_AGAIN_S = 10.0  # a waiter that nobody woke looks all the same: a lost wake costs this, no more
WOKEN_FOR_ONE = (
    4  # of an agent's idle containers, for one task: the first takes it, the rest are spare
)


class Waiters:
    """Long polls asleep by key (`agent:researcher`, `reconciler`); a wake reaches all under the key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = [0] * WAKE_COUNTS
        # Each asleep behind a lock that its wake opens, the longest asleep first: an Event is three
        # such locks, and handled in Python.
        self._asleep: dict[str, dict[threading.Lock, None]] = {}

    def seen(self, key: str) -> int:
        """Return the key's wake count: read it before looking, pass it to `wait` after."""
        with self._lock:
            return self._counts[_place(key)]

    def wake(self, *keys: str, at_most: int | None = None) -> None:
        """Wake who waits under each key, and whoever looked before now but isn't asleep yet.

        With `at_most`, that many of each key, the longest asleep first; the others sleep on.
        """
        with self._lock:
            for key in keys:
                self._counts[_place(key)] += 1
                for sleeper in [*islice(self._asleep.get(key, ()), at_most)]:
                    if sleeper.locked():  # else it is awake already, and not gone yet
                        sleeper.release()

    def wait(self, keys: tuple[str, ...], since: tuple[int, ...], *, timeout_s: float) -> bool:
        """Sleep until a key is woken past the counts in `since`; return whether it was."""
        sleeper = threading.Lock()
        sleeper.acquire()
        with self._lock:
            if any(
                self._counts[_place(key)] != count for key, count in zip(keys, since, strict=True)
            ):
                return True
            for key in keys:
                self._asleep.setdefault(key, {})[sleeper] = None
        try:
            return sleeper.acquire(timeout=timeout_s)
        finally:
            with self._lock:
                for key in set(keys):
                    self._asleep[key].pop(sleeper, None)
                    if not self._asleep[key]:
                        del self._asleep[key]  # a task is waited for once, and there are millions


def _place(key: str) -> int:
    return hash(key) % WAKE_COUNTS


@dataclass(slots=True)
class Live:
    """The hub's memory. Plain dict and attribute writes are atomic; what needs more takes `lock`.

    Nobody writes to the store under `lock`: a write that fails sets a cause to degrade, which takes it.
    `rotation` is for whoever changes the signing keys, store and files included; `moding` for whoever
    works out the mode, and nobody writes to the store under it either.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    rotation: threading.Lock = field(default_factory=threading.Lock)
    moding: threading.Lock = field(default_factory=threading.Lock)
    waiters: Waiters = field(default_factory=Waiters)
    mode: Mode = field(default_factory=Mode)
    order_unkept: Order | None = None  # panic that the store hasn't taken yet
    causes: dict[str, str] = field(default_factory=dict)
    misses: dict[str, Misses] = field(default_factory=dict)
    causes_gone_s: float | None = None
    last_pass: dict[str, Any] = field(default_factory=dict)
    hosts: list[dict[str, Any]] = field(default_factory=list)
    reconciler_seen_s: float | None = None
    looked_s: float | None = None  # wall clock of the engines' last look
    # Host → places (agent, replica) that something ran at, as seen since an instance ended there last.
    running: dict[str, frozenset[tuple[str, int]]] = field(default_factory=dict)
    apart_since_s: float | None = None  # wall clock, while what runs isn't what is declared
    moved_s: float = 0.0  # wall clock of work's last move, anywhere
    pulse: Pulse = field(default_factory=Pulse)
    reached: tuple[int, tuple[Reached, ...]] | None = None  # of which generation, and where to
    upstreams: dict[str, Upstream] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)  # providers without a key, and why
    away: Mapping[tuple[str, str], Away] = field(default_factory=dict)  # by provider and agent
    trials: dict[tuple[str, str], str] = field(default_factory=dict)  # the one task let through
    # Attempts whose last call was refused because the provider is away, by the gateway's word.
    put_off: "OrderedDict[tuple[str, int], str]" = field(default_factory=OrderedDict)
    keys_looked_at: int = 0  # the generation that this was last found of
    # Spec hash → what living containers were born with that nobody declares now; None: not found.
    births: dict[str, tuple[AgentSpec, Provider] | None] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    book_unkept: dict[tuple[str, str], Alert] = field(default_factory=dict)
    checked_s: float | None = None  # boot time of the checks' last run; None: they are due
    told_seq: int = 0
    leases_rested: bool = False
    damaged: dict[str, str] = field(default_factory=dict)  # records that failed their checksum
    instance_seen_s: dict[str, float] = field(default_factory=dict)
    listening_since_s: float = 0.0  # wall clock: before it silence says nothing
    files: Unapplied | None = None
    progress: dict[str, dict[str, Any]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)  # delegated tasks whose delegator isn't told yet
    calls: set[str] = field(default_factory=set)
    refusals: Refusals = field(default_factory=Refusals)
    submits: Rate = field(default_factory=lambda: Rate(per_s=SUBMITS_PER_S, burst=SUBMITS_BURST))
    opa: OpaMemory = field(default_factory=OpaMemory)
    mail: Mailboxes = field(default_factory=Mailboxes)
    chains: Chains = field(default_factory=Chains)
    barred: dict[str, Barred] = field(default_factory=dict)  # messages refused by label, by sender
    tunnels: Rate = field(default_factory=lambda: Rate(per_s=TUNNELS_PER_S, burst=TUNNELS_BURST))
    tunnels_long: Rate = field(
        default_factory=lambda: Rate(per_s=TUNNELS_LONG_PER_S, burst=TUNNELS_LONG_BURST)
    )
    talk: Rate = field(default_factory=lambda: Rate(per_s=RATE_PER_S, burst=RATE_BURST))
    listen: str = ""  # where the dashboard is, as a URL
    names: frozenset[str] = frozenset()  # that it is asked for by, beside this machine's own
    sessions: Kept = field(default_factory=lambda: Kept(most=SESSIONS_MAX))
    codes: Kept = field(default_factory=lambda: Kept(most=CODES_MAX))
    sign_ins: Rate = field(default_factory=lambda: Rate(per_s=SIGN_INS_PER_S, burst=SIGN_INS_BURST))
    svids: "OrderedDict[str, tuple[AgentPrincipal, float]]" = field(default_factory=OrderedDict)

    def remember_svid(self, digest: str, who: AgentPrincipal, expires_at_s: float) -> None:
        """Keep a verified SVID's subject until it expires, the oldest going first."""
        with self.lock:
            self.svids[digest] = (who, expires_at_s)
            while len(self.svids) > SVIDS_REMEMBERED_MAX:
                self.svids.popitem(last=False)


def wait_until(
    waiters: Waiters,
    keys: tuple[str, ...],
    look: Callable[[], Any],
    *,
    wait_s: float,
    now_s: Callable[[], float],
    gone: Callable[[], bool],
) -> Any:
    """Return the first true answer of `look`, asked now and after each wake, or its last answer.

    Ends early when `gone` says that the client has left. `wait_s` is in seconds of `now_s`.
    """
    deadline = now_s() + wait_s
    while True:
        since = tuple(waiters.seen(key) for key in keys)
        found = look()
        if found or not _woken(waiters, keys, since, deadline, now_s, gone):
            return found


def _woken(
    waiters: Waiters,
    keys: tuple[str, ...],
    since: tuple[int, ...],
    deadline: float,
    now_s: Callable[[], float],
    gone: Callable[[], bool],
) -> bool:
    """Sleep until it is time to look again; False when the time is up or the client has left."""
    look_again_at = now_s() + LOOK_AGAIN_S
    while (left_s := deadline - now_s()) > 0 and not gone():
        if waiters.wait(keys, since, timeout_s=min(left_s, WAIT_SLICE_S)):
            return True
        if now_s() >= look_again_at:
            return True
    return False
