"""The hub's mode: degraded by causes that come and go by themselves, the rest by an operator's order.

Source: docs/decisions/0012-modes-and-alerts.md.
"""

import logging
from typing import Any

from agentctl.errors import Conflict, InputError, StoreUnavailable
from agentctl.model.mode import Mode, ModeName, Order
from agentctl.model.principal import OperatorPrincipal
from agentctl.monitor import reach
from agentctl.monitor.degrade import decide_mode
from agentctl.service import panic
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.service.roles import OPERATORS, require_role
from agentctl.store import Txn, meta, orders, worst_case

log = logging.getLogger("agentctl.hub")

BY_HAND = (ModeName.NORMAL, ModeName.PAUSED, ModeName.PANIC)
STORE = "store"
ENGINES = "engines"
RECONCILER = "reconciler"
DAMAGE = "damage"  # a record that failed its checksum: stays until a restart has verified the files
PROBE = "write_probe"


def set_mode(hub: Hub, who: OperatorPrincipal, *, mode: str, reason: str) -> dict[str, Any]:
    """Pause, stop everything or resume by an operator's order, kept over restarts; return the mode.

    Panic holds from this instant, written or not: a full disk must not keep a fleet running.
    Raises Conflict for a pause in panic: only a resume leaves it.
    """
    require_role(who, OPERATORS, "change the mode")
    if mode not in BY_HAND:
        raise InputError(
            f"mode {mode!r} can't be set by hand",
            fields=[("/mode", f"one of {', '.join(sorted(BY_HAND))}")],
        )
    order = Order(
        mode=ModeName(mode),
        reason=reason,
        who=f"operator:{who.name}",
        at_s=hub.clock.wall_s(),
    )
    if order.mode is ModeName.PANIC:
        _panic(hub, order)
    else:
        _keep(hub, order)
        refresh(hub)
    return as_row(hub.mode)


def _panic(hub: Hub, order: Order) -> None:
    hub.live.order_unkept = order
    try:
        refresh(hub)
        keep_order(hub)
        panic.end_leases(hub)
    except StoreUnavailable as why:
        log.warning("panic holds, and is not written yet: %s", why)  # the tick tries again
    finally:
        panic.wake_all(hub)


def keep_order(hub: Hub) -> None:
    """Write the order that a failing store didn't take. Raises StoreUnavailable."""
    order = hub.live.order_unkept
    if order is not None:
        _keep(hub, order)
        with hub.live.lock:
            if hub.live.order_unkept is order:
                hub.live.order_unkept = None


def _keep(hub: Hub, order: Order) -> None:
    def work(txn: Txn) -> None:
        before = orders.get(txn)
        if order.mode is ModeName.PAUSED and before and before.mode is ModeName.PANIC:
            raise Conflict(
                f"the fleet was stopped by {before.who}, and stays so until it is resumed",
                hint="`agentctl resume`, then `agentctl pause`",
            )
        if order.mode is ModeName.NORMAL:
            orders.clear(txn)
            worst_case.lift(txn)
        else:
            orders.put(txn, order)
        note(hub, txn, f"mode.{order.mode}", who=order.who, reason=order.reason)

    unkept = hub.live.order_unkept
    hub.store.write(work)
    if order.mode is ModeName.NORMAL:
        with (
            hub.live.lock
        ):  # of a panic that came meanwhile, and isn't written yet, nothing is forgotten
            if hub.live.order_unkept is unkept:
                hub.live.order_unkept = None


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
    """Take one look at the engines: one of several degrades only its hosts, all of them the hub."""
    looked = {each["name"]: bool(each["reachable"]) for each in hub.live.hosts}
    hub.live.misses = reach.after_look(hub.live.misses, looked, boot_s=hub.clock.boot_s())
    engines_down(hub)


def engines_down(hub: Hub) -> None:
    """Set or take away the cause that no engine answers; an engine is down after a few misses."""
    hosts = [each["name"] for each in hub.live.hosts]
    down = reach.down(hub.live.misses, boot_s=hub.clock.boot_s())
    gone = reach.all_down(hosts, down)
    reason = f"no engine answers ({', '.join(down)})" if gone else ""
    if reason or ENGINES in hub.live.causes:
        cause(hub, ENGINES, reason)
    else:
        refresh(hub)


def refresh(hub: Hub) -> None:
    """Work out the mode from the causes, the operator's order and the clock; journal a change."""
    live = hub.live
    with live.moding:  # or what was decided before an order would be written down after it
        before, mode = live.mode, _decided(hub)
        live.mode = mode
    if before.name is mode.name:
        return
    live.checked_s = None  # the checks are due: people hear of it at once
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
    log.info("mode %s: %s", mode.name, mode.reason or "no cause left")


def _decided(hub: Hub) -> Mode:
    live = hub.live
    ordered = live.order_unkept
    if ordered is None:
        with hub.store.read() as txn:
            ordered = orders.get(txn)
    return decide_mode(
        live.mode,
        ordered=ordered,
        causes=dict(live.causes),
        causes_gone_s=live.causes_gone_s,
        hosts_down=reach.down(live.misses, boot_s=hub.clock.boot_s()),
        boot_s=hub.clock.boot_s(),
        wall_s=hub.clock.wall_s(),
    )


def permits_dispatch_again(before: Mode, after: Mode) -> bool:
    """Whether work can be handed out that couldn't be before."""
    return before.name is not ModeName.NORMAL and after.name is ModeName.NORMAL


def as_row(mode: Mode) -> dict[str, Any]:
    """Return the mode as the API shows it."""
    return {
        "mode": mode.name.value,
        "reason": mode.reason,
        "since_s": mode.since_s,
        "who": mode.who,
        "causes": [{"name": name, "reason": reason} for name, reason in mode.causes],
        "hosts_down": list(mode.hosts_down),
    }
