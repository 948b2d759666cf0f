"""What the files propose, beside what is applied and what runs: the ground of `plan` and `apply`."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from agentctl.cli import Settings
from agentctl.config import load
from agentctl.errors import ConfigError, HubUnavailable, StateDamaged
from agentctl.model.digest import desired_digest
from agentctl.model.fleet import DesiredState
from agentctl.model.instance import ObservedHost, ObservedState
from agentctl.model.plan import Plan
from agentctl.paths import StatePaths
from agentctl.reconcile import Born, births, plan

FINDINGS_SHOWN_MAX = 100
HUB_AWAY = (
    "the hub does not answer: what is applied and which tasks run is unknown;"
    " containers are compared by their spec hashes"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """What the hub says is applied, and who holds what. Number 0 is before the first generation."""

    number: int = 0
    digest: str = ""
    prune: bool = False
    installation: str = ""
    desired: DesiredState | None = None
    known: frozenset[str] = frozenset()
    draining: frozenset[str] = frozenset()
    work: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def past(self) -> Mapping[str, Born]:
        return births(self.desired) if self.desired else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The files' fleet with the plan that leads to it. `current` is None when the hub is away."""

    desired: DesiredState
    digest: str
    current: Current | None
    plan: Plan

    @property
    def new(self) -> bool:
        """Whether applying writes a generation: always said when the hub can't be asked."""
        return self.current is None or self.current.digest != self.digest

    @property
    def changed(self) -> bool:
        """Whether there is anything to show: a container to change, or settings that differ."""
        return not self.plan.empty or (self.current is not None and self.new)

    @property
    def settings_changed(self) -> tuple[str, ...]:
        """The parts of the declaration that differ from the applied generation."""
        before = self.current.desired if self.current else None
        if before is None:
            return ()
        return tuple(
            field.name
            for field in dataclasses.fields(DesiredState)
            if getattr(before, field.name) != getattr(self.desired, field.name)
        )


def propose(
    settings: Settings, desired: DesiredState, *, prune: bool, hub_required: bool
) -> Proposal:
    """Ask the hub, look at the engines (GET only), and plan what leads to `desired`.

    Raises HubUnavailable when the hub is required and away.
    """
    try:
        current: Current | None = ask(settings)
    except HubUnavailable:
        if hub_required:
            raise
        current = None
    paths = StatePaths(settings.state)
    installation = current.installation if current else _installation(paths)
    observed = observe(desired, paths, installation=installation)
    return compare(desired, observed, current, installation=installation, prune=prune)


def compare(
    desired: DesiredState,
    observed: ObservedState,
    current: Current | None,
    *,
    installation: str,
    prune: bool,
) -> Proposal:
    """Return the proposal for these files, this world and this hub; pure."""
    known = current or Current()
    digest = desired_digest(desired)
    planned = plan(
        desired,
        observed,
        digest=digest,
        installation=installation,
        work=known.work,
        draining=known.draining,
        known=known.known if current else None,
        past=known.past,
        prune=prune or known.prune,
    )
    if current is None:
        planned = dataclasses.replace(planned, notes=(*planned.notes, HUB_AWAY))
    return Proposal(desired=desired, digest=digest, current=current, plan=planned)


def load_valid(project: Path) -> DesiredState:
    """Return the fleet that the files declare. Raises ConfigError after printing what is wrong."""
    loaded = load(project)
    errors = [each for each in loaded.findings if each.severity == "error"]
    for finding in loaded.findings[:FINDINGS_SHOWN_MAX]:
        click.echo(str(finding), err=True)
    if loaded.desired is None or errors:
        raise ConfigError(
            f"the files in {project} have {len(errors)} error(s); nothing was changed",
            hint="`agentctl validate` explains them",
        )
    return loaded.desired


def ask(settings: Settings) -> Current:
    """Ask the hub what is applied and who works. Raises HubUnavailable, and what the hub refuses."""
    from agentctl.client import connect

    hub = connect(settings)
    latest = hub.get("/api/hub/generations/latest")
    instances = [
        each for agent in hub.get("/api/hub/agents")["agents"] for each in agent["instances"]
    ]
    return current_from(latest, instances)


def current_from(latest: Mapping[str, Any], instances: list[dict[str, Any]]) -> Current:
    """Parse the hub's answers: the newest generation, and the living instances of its agents."""
    import msgspec

    try:
        desired = msgspec.convert(latest.get("desired"), DesiredState | None)
    except msgspec.ValidationError as why:
        raise StateDamaged(
            f"the hub's generation can't be read: {why}",
            hint="use the agentctl of the hub's version",
        ) from why
    return Current(
        number=latest["number"],
        digest=latest["digest"],
        prune=bool(latest.get("prune")),
        installation=latest["installation"],
        desired=desired,
        known=frozenset(each["id"] for each in instances),
        draining=frozenset(each["id"] for each in instances if each.get("draining")),
        work={each["id"]: each["task"] for each in instances if each["task"]},
    )


def observe(desired: DesiredState, paths: StatePaths, *, installation: str) -> ObservedState:
    """Look at every declared host through a client that can only read."""
    from agentctl.engine import reader

    hosts: tuple[ObservedHost, ...] = tuple(
        reader.observe(host, paths=paths, installation=installation) for host in desired.hosts
    )
    return ObservedState(hosts=hosts)


def _installation(paths: StatePaths) -> str:
    """Return whose containers are ours, without the hub; "" before its first start: none are."""
    try:
        return paths.installation.read_text().strip()
    except FileNotFoundError:
        return ""
