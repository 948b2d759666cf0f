"""The names of a fleet, indexed once, and the findings that every check makes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from agentctl.config.finding import Finding, Severity, Subject, did_you_mean, listed
from agentctl.model.fleet import AgentSpec, Destination, Host, Provider


@dataclass(frozen=True, slots=True)
class Known:
    """The names of a fleet, indexed once."""

    providers: Mapping[str, Provider]
    hosts: Mapping[str, Host]
    height: Mapping[str, int]  # of each level, 0 the lowest
    boundaries: Mapping[str, str]
    destinations: Mapping[str, Destination]
    published: frozenset[str]  # topics that some agent may send events to
    subscribed: frozenset[str]

    def above(self, level: str, boundary: str) -> bool:
        """Whether a known level may not cross a known boundary."""
        most = self.boundaries.get(boundary, "")
        if level not in self.height or most not in self.height:
            return False  # an unknown name is a finding of its own
        return self.height[level] > self.height[most]


def error(
    rule: str,
    message: str,
    subject: Subject,
    *,
    expected: str = "",
    found: str = "",
    suggestion: str = "",
) -> Finding:
    return Finding(
        rule=rule,
        message=message,
        subject=subject,
        expected=expected,
        found=found,
        suggestion=suggestion,
    )


def warning(rule: str, message: str, subject: Subject, *, suggestion: str = "") -> Finding:
    return Finding(
        rule=rule,
        message=message,
        severity=Severity.WARNING,
        subject=subject,
        suggestion=suggestion,
    )


def unknown(what: str, name: str, known: Iterable[str], subject: Subject) -> Finding:
    names = list(known)
    return error(
        f"unknown-{what}",
        f"unknown {what} {name!r}",
        subject,
        expected=f"one of {listed(names)}" if names else f"a declared {what}",
        found=name,
        suggestion=did_you_mean(name, names),
    )


def duplicates(what: str, names: Iterable[Subject]) -> Iterator[Finding]:
    seen: set[Subject] = set()
    for subject in names:
        if subject in seen:
            yield error(
                f"duplicate-{what}",
                f"the {what} {subject[1]!r} is declared twice",
                subject,
                found=subject[1],
                suggestion="rename one of them",
            )
        seen.add(subject)


def at_agent(agent: AgentSpec) -> Subject:
    """Return the subject that names an agent's declaration on its host."""
    return ("agent", agent.name, agent.host)
