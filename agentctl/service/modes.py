"""The hub's mode: degraded by causes that come and go by themselves, paused by an operator's word."""

from typing import Any

from agentctl.errors import InputError, StoreUnavailable
from agentctl.model.mode import Mode, ModeName
from agentctl.model.principal import OperatorPrincipal
from agentctl.monitor.degrade import decide_mode
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.service.roles import OPERATORS, require_role
from agentctl.store import Txn, meta

BY_HAND = "mode_by_hand"  # the key in the store: an operator's order outlives a restart
STORE = "store"
ENGINES = "engines"
RECONCILER = "reconciler"
DAMAGE = "damage"  # a record that failed its checksum: stays until a restart has verified the files
PROBE = "write_probe"


def set_mode(hub: Hub, who: OperatorPrincipal, *, mode: str, reason: str) -> dict[str, Any]:
    """Pause or resume by an operator's order, kept over restarts; return the mode in force."""
    require_role(who, OPERATORS, "change the mode")
    if mode not in (ModeName.PAUSED, ModeName.NORMAL):
        raise InputError(
            f"mode {mode!r} can't be set by hand", fields=[("/mode", "one of paused, normal")]
        )
    principal = f"operator:{who.name}"

    def work(txn: Txn) -> None:
        meta.put(txn, BY_HAND, "" if mode == ModeName.NORMAL else f"{mode}:{reason or principal}")
        note(hub, txn, f"mode.{mode}", who=principal, reason=reason)

    hub.store.write(work)
    refresh(hub)
    return as_row(hub.mode)


def cause(hub: Hub, name: str, reason: str) -> None:
    """Set a cause to degrade ("" takes it away), and act on it at once."""
    with hub.live.lock:
        if reason:
            hub.live.causes[name] = reason
        elif hub.live.causes.pop(name, None) is not None and not hub.live.causes:
            hub.live.causes_gone_s = hub.clock.boot_s()
    refresh(hub)


def probe_store(hub: Hub) -> None:
    """While writes fail, try one; the cause goes when it is durable."""
    if STORE not in hub.live.causes:
        return
    try:
        hub.store.write(lambda txn: meta.put(txn, PROBE, str(hub.clock.wall_s())))
    except StoreUnavailable:
        return
    cause(hub, STORE, "")


def hosts_seen(hub: Hub) -> None:
    """Take the engines' reachability: one of several degrades only its hosts, all of them the hub."""
    hosts = hub.live.hosts
    down = [each["name"] for each in hosts if not each["reachable"]]
    all_down = bool(hosts) and len(down) == len(hosts)
    cause(hub, ENGINES, f"no engine answers ({', '.join(down)})" if all_down else "")


def refresh(hub: Hub) -> None:
    """Work out the mode from the causes, the operator's order and the clock; journal a change."""
    with hub.store.read() as txn:
        ordered = meta.get(txn, BY_HAND) or ""
    live = hub.live
    mode = decide_mode(
        live.mode,
        ordered=ordered,
        causes=dict(live.causes),
        causes_gone_s=live.causes_gone_s,
        hosts_down=tuple(each["name"] for each in live.hosts if not each["reachable"]),
        boot_s=hub.clock.boot_s(),
        wall_s=hub.clock.wall_s(),
    )
    before, live.mode = live.mode, mode
    if before.name is mode.name:
        return
    if STORE not in live.causes:
        hub.store.write(
            lambda txn: note(
                hub,
                txn,
                f"mode.entered.{mode.name}",
                who="hub",
                reason=mode.reason,
                left=before.name,
            )
        )
    if permits_dispatch_again(before, mode) and hub.fleet:
        live.waiters.wake(*(f"agent:{name}" for name in hub.fleet.agents), "reconciler")


def permits_dispatch_again(before: Mode, after: Mode) -> bool:
    """Whether work can be handed out that couldn't be before."""
    return before.name is not ModeName.NORMAL and after.name is ModeName.NORMAL


def as_row(mode: Mode) -> dict[str, Any]:
    """Return the mode as the API shows it."""
    return {
        "mode": mode.name.value,
        "reason": mode.reason,
        "since_s": mode.since_s,
        "hosts_down": list(mode.hosts_down),
    }
