"""What access rules name besides agents: targets that exist, of a kind that the verb acts on, known types."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from agentctl.config.finding import Finding, did_you_mean, listed
from agentctl.config.names import MESSAGE_TYPES
from agentctl.config.references.known import Known, warning
from agentctl.model.fleet import AccessRule, DesiredState
from agentctl.resources import root

# What each verb acts on; a rule whose target is of another kind matches nothing.
ACTS_ON: Mapping[str, tuple[str, ...]] = {
    "task.submit": ("agent",),
    "task.delegate": ("agent",),
    "message.send": ("agent", "topic"),
    "secret.read": ("secret",),
    "model.call": ("provider",),
    "declassify": ("task", "agent"),
}


def rule_targets(desired: DesiredState, known: Known) -> Iterator[Finding]:
    """Warn of rules that can never match for what they name."""
    names = _names(desired, known)
    types = _types(desired)
    for rule in desired.access:
        at = ("access", rule.name)
        yield from _target(rule, names)
        lowered = rule.verb == "declassify"  # its type is the level that the label goes to
        named = desired.routing.levels if lowered else types
        for each in rule.types:
            if each not in named and (rule.verb != "*" or each not in desired.routing.levels):
                what = "no level" if lowered else "neither a message type nor a kind"
                yield warning(
                    "unmatched-rule",
                    f"rule {rule.name!r}: {each!r} is {what}",
                    (*at, "types"),
                    suggestion=did_you_mean(each, named),
                )


def _target(rule: AccessRule, names: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    at = ("access", rule.name, "to")
    kind, colon, pattern = rule.target.partition(":")
    if not colon:
        return
    acts_on = ACTS_ON.get(rule.verb)
    if acts_on is not None and kind not in acts_on:
        yield warning(
            "unmatched-rule",
            f"rule {rule.name!r} never matches: {rule.verb} is done to {listed(acts_on)},"
            f" not to {kind}",
            at,
            suggestion=f"write {acts_on[0]}:NAME",
        )
    elif kind in names and not any(fnmatchcase(name, pattern) for name in names[kind]):
        yield warning(
            "unmatched-rule",
            f"rule {rule.name!r} never matches: there is no {kind} {pattern!r}",
            at,
            suggestion=did_you_mean(pattern, names[kind]),
        )


def _names(desired: DesiredState, known: Known) -> dict[str, Sequence[str]]:
    secrets = {secret.name for agent in desired.agents for secret in agent.secrets}
    of_agents = {
        "topic": sorted(known.published | known.subscribed),
        "secret": sorted(secrets),
    }
    return {
        **(of_agents if desired.agents else {}),  # without any, that finding says it
        "provider": sorted(known.providers),
        "destination": sorted(known.destinations),
    }


def _types(desired: DesiredState) -> list[str]:
    shipped = (path.stem for path in (root() / "schemas/messages").glob("*.yaml"))
    return sorted({*MESSAGE_TYPES, *shipped, *(each.name for each in desired.message_kinds)})
