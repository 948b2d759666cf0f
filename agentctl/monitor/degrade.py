"""Which mode is in force: an operator's order, else degraded while a cause stands and a while after."""

from collections.abc import Mapping

from agentctl.model.mode import Mode, ModeName, Order

QUIET_S = (
    30.0  # degraded is left after this long without a cause: a flapping disk isn't trusted at once
)


def decide_mode(
    now: Mode,
    *,
    ordered: Order | None,
    causes: Mapping[str, str],
    causes_gone_s: float | None,
    hosts_down: tuple[str, ...],
    boot_s: float,
    wall_s: float,
) -> Mode:
    """Return the mode in force.

    `causes` are reasons to degrade by name; `causes_gone_s` is when the last of them went, in the
    seconds of `boot_s`. `since_s` stays while the mode's name stays; an order's is the order's own.
    Panic is over everything, degraded over a pause, which comes back after it.
    Source: docs/decisions/0012-modes-and-alerts.md.
    """
    name, reason, order = _name(now, ordered, causes, causes_gone_s, boot_s)
    since_s = now.since_s if now.name is name and now.since_s else wall_s
    return Mode(
        name=name,
        reason=reason,
        since_s=order.at_s if order else since_s,
        who=order.who if order else "",
        causes=tuple(sorted(causes.items())),
        hosts_down=hosts_down,
    )


def _name(
    now: Mode,
    order: Order | None,
    causes: Mapping[str, str],
    causes_gone_s: float | None,
    boot_s: float,
) -> tuple[ModeName, str, Order | None]:
    if order is not None and order.mode is ModeName.PANIC:
        return ModeName.PANIC, order.reason, order
    if causes:
        return ModeName.DEGRADED, "; ".join(causes[name] for name in sorted(causes)), None
    lately = causes_gone_s is not None and boot_s - causes_gone_s < QUIET_S
    if now.name is ModeName.DEGRADED and lately:
        return ModeName.DEGRADED, now.reason, None
    if order is not None:
        return order.mode, order.reason, order
    return ModeName.NORMAL, "", None
