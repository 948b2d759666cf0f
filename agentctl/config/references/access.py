"""Access rules that can match, and times that fit each other."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo, available_timezones

from agentctl.config.finding import Finding, did_you_mean
from agentctl.config.references.known import (
    Known,
    duplicates,
    error,
    unknown,
    warning,
)
from agentctl.config.references.rule_targets import rule_targets
from agentctl.model.fleet import AccessRule, DesiredState, Effect
from agentctl.model.rules import covers

RULES_COMPARED_MAX = 1000  # each with those before it; what is written by hand is far below


def access(desired: DesiredState, known: Known) -> Iterator[Finding]:
    yield from duplicates("rule", (("access", each.name) for each in desired.access))
    yield from _shadowed(desired.access)
    yield from rule_targets(desired, known)
    agents = sorted({agent.name for agent in desired.agents})
    # Where there is no agent at all, that finding says it: a rule is not wrong for it.
    capabilities = sorted({each for agent in desired.agents for each in agent.capabilities})
    for rule in desired.access:
        at = ("access", rule.name)
        for level in rule.levels:
            if level not in known.height:
                yield unknown("level", level, known.height, (*at, "levels"))
        for capability in rule.capabilities:
            if agents and capability not in capabilities:
                yield warning(
                    "unmatched-rule",
                    f"rule {rule.name!r} never matters: no agent has the capability {capability!r}",
                    (*at, "capabilities"),
                    suggestion=did_you_mean(capability, capabilities),
                )
        if rule.window is not None and not _is_zone(rule.window.zone):
            yield error(
                "unknown-zone",
                f"unknown time zone {rule.window.zone!r}",
                (*at, "zone"),
                expected="UTC or a name of the tz database, such as Europe/Berlin",
                suggestion=did_you_mean(rule.window.zone, available_timezones()),
            )
        for field, who in (("from", rule.principal), ("to", rule.target)):
            pattern = who.removeprefix("agent:")
            if not agents or pattern == who or any(fnmatchcase(name, pattern) for name in agents):
                continue
            yield warning(
                "unmatched-rule",
                f"rule {rule.name!r} never matches: there is no agent {pattern!r}",
                (*at, field),
                suggestion=did_you_mean(pattern, agents),
            )


def _is_zone(name: str) -> bool:
    try:
        return name == "UTC" or bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):  # OSError: a folder of zones, such as Europe
        return False


def _shadowed(rules: Sequence[AccessRule]) -> Iterator[Finding]:
    """Yield rules that never decide: a deny, or an earlier rule of their own kind, always comes first."""
    for at, rule in enumerate(rules[:RULES_COMPARED_MAX]):
        earlier = [each for each in rules[:at] if each.effect is rule.effect]
        denies = [each for each in rules if each.effect is Effect.DENY and each is not rule]
        before = [*denies, *earlier] if rule.effect is Effect.ALLOW else earlier
        first = next((each for each in before if covers(each, rule)), None)
        if first is None:
            continue
        yield warning(
            "shadowed-rule",
            f"rule {rule.name!r} never decides: {first.name!r} {_does(first)} all of it before",
            ("access", rule.name),
            suggestion="remove it, or narrow the other",
        )


def _does(rule: AccessRule) -> str:
    return "denies" if rule.effect is Effect.DENY else "allows"


def monitoring(desired: DesiredState) -> Iterator[Finding]:
    times = desired.monitoring
    if times.heartbeat_s * 2 > times.lease_s:
        yield error(
            "heartbeat-too-slow",
            f"a heartbeat every {times.heartbeat_s:g}s can't keep a lease of {times.lease_s:g}s:"
            " one lost beat would lose the task",
            ("monitoring", "heartbeat"),
            expected=f"at most {times.lease_s / 2:g}s",
            found=f"{times.heartbeat_s:g}s",
        )
    kept = times.retention
    if kept.journal_s < kept.tasks_s:
        yield error(
            "journal-outlived",
            f"tasks kept {kept.tasks_s / 86400:g}d would outlive the journal lines that speak of them",
            ("monitoring", "retention"),
            expected=f"journal: at least {kept.tasks_s / 86400:g}d",
            found=f"{kept.journal_s / 86400:g}d",
        )
