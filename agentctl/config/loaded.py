"""What loading a project gives: the fleet, or the findings that stand against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentctl.config.finding import Finding, Severity, Subject
from agentctl.config.place import Place
from agentctl.model.fleet import DesiredState


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """`desired` is None when any finding is an error. `sources` are the texts of
    the files read, by their path in the project.

    `partial` says that limit or tags left something out: such a fleet must never remove
    what it doesn't name. `limited` are the hosts that the limit left, None without one.
    `places` says where each part of the fleet stands. `others` are files outside the usual
    places that plays name (`vars_files`), there or not: who follows the project watches them too.
    """

    desired: DesiredState | None
    findings: tuple[Finding, ...]
    sources: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False
    limited: frozenset[str] | None = None
    places: Mapping[Subject, Place] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity is Severity.WARNING)
