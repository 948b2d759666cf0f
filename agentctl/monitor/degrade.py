"""Which mode is in force: an operator's order, else degraded while a cause stands and a while after."""

from collections.abc import Mapping

from agentctl.model.mode import Mode, ModeName

QUIET_S = (
    30.0  # degraded is left after this long without a cause: a flapping disk isn't trusted at once
)


def decide_mode(
    now: Mode,
    *,
    ordered: str,
    causes: Mapping[str, str],
    causes_gone_s: float | None,
    hosts_down: tuple[str, ...],
    boot_s: float,
    wall_s: float,
) -> Mode:
    """Return the mode in force.

    `ordered` is "" or `paused:<reason>`; `causes` are reasons to degrade; `causes_gone_s` is when the
    last of them went, in the seconds of `boot_s`. `since_s` stays while the mode's name stays.
    """
    name, reason = _name(now, ordered, causes, causes_gone_s, boot_s)
    since_s = now.since_s if now.name is name and now.since_s else wall_s
    return Mode(name=name, reason=reason, since_s=since_s, hosts_down=hosts_down)


def _name(
    now: Mode,
    ordered: str,
    causes: Mapping[str, str],
    causes_gone_s: float | None,
    boot_s: float,
) -> tuple[ModeName, str]:
    order, _, why = ordered.partition(":")
    if order == ModeName.PANIC:
        return ModeName.PANIC, why
    if causes:
        return ModeName.DEGRADED, "; ".join(causes[name] for name in sorted(causes))
    lately = causes_gone_s is not None and boot_s - causes_gone_s < QUIET_S
    if now.name is ModeName.DEGRADED and lately:
        return ModeName.DEGRADED, now.reason
    if order == ModeName.PAUSED:
        return ModeName.PAUSED, why
    return ModeName.NORMAL, ""
