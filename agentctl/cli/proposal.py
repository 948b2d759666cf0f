"""What the files propose, beside what is applied and what runs: the ground of `plan` and `apply`."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentctl import reconcile
from agentctl.cli import Settings, keyless
from agentctl.cli.selecting import Chosen
from agentctl.cli.workspaces import Served, kept_back, served
from agentctl.errors import ConfigError, HubUnavailable, StateDamaged
from agentctl.model.annotation import Spot
from agentctl.model.digest import desired_digest
from agentctl.model.fleet import DesiredState, Host
from agentctl.model.instance import ObservedHost, ObservedState
from agentctl.model.plan import Plan
from agentctl.paths import StatePaths, default_cache
from agentctl.reconcile import Born, Demand, Review, births, plan
from agentctl.reconcile.partial import Part, merged, within

if TYPE_CHECKING:
    from agentctl.config.loaded import Loaded

Where = Callable[[tuple[str, ...]], Spot | None]
FINDINGS_SHOWN_MAX = 100
LOOKS_AT_ONCE = 16  # hosts elsewhere: one that is away takes ssh's ten seconds
ALL = Chosen()
HUB_AWAY = (
    "the hub does not answer: what is applied and which tasks run is unknown;"
    " containers are compared by their spec hashes"
)


def nowhere(_: tuple[str, ...]) -> Spot | None:
    """Find no line: nobody asked for the lines."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """What the hub says is applied, and who holds what. Number 0 is before the first generation.

    `waiting` are queued tasks by the outdated container that may be given them; `born` is what such
    were born with. `unusable` are providers that the gateway has no key for, `away` those that
    can't be used now.
    """

    number: int = 0
    digest: str = ""
    prune: bool = False
    installation: str = ""
    desired: DesiredState | None = None
    known: frozenset[str] = frozenset()
    draining: frozenset[str] = frozenset()
    work: Mapping[str, str] = dataclasses.field(default_factory=dict)
    waiting: Mapping[str, str] = dataclasses.field(default_factory=dict)
    born: Mapping[str, Born] = dataclasses.field(default_factory=dict)
    wanted: tuple[reconcile.Wanted, ...] = ()
    quarantined: frozenset[str] = frozenset()
    unusable: Mapping[str, str] = dataclasses.field(default_factory=dict)
    away: Mapping[str, str] = dataclasses.field(default_factory=dict)
    workspaces: Served = dataclasses.field(default_factory=dict)

    @property
    def past(self) -> Mapping[str, Born]:
        return {**self.born, **births(self.desired)} if self.desired else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the files declare; `part` and `selection` when that is only a part of them.

    `where` finds the line that declares something, when the lines were asked for.
    """

    desired: DesiredState
    part: Part | None = None
    selection: str = ""
    where: Where = nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The fleet to be, with the plan that leads to it. `current` is None when the hub is away.

    `desired` is whole: what a selection left out stands in it as it is applied.
    """

    desired: DesiredState
    digest: str
    current: Current | None
    plan: Plan
    observed: ObservedState
    review: Review
    where: Where = nowhere
    unusable: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def new(self) -> bool:
        """Whether applying writes a generation: always said when the hub can't be asked."""
        return self.current is None or self.current.digest != self.digest

    @property
    def changed(self) -> bool:
        """Whether there is anything to show: a container to change, or settings that differ."""
        return not self.plan.empty or (self.current is not None and self.new)


def propose(settings: Settings, wanted: Wanted, *, prune: bool, hub_required: bool) -> Proposal:
    """Ask the hub, look at the engines (GET only), and plan what leads to what is wanted.

    Raises HubUnavailable when the hub is required and away, ConfigError when a selection
    doesn't fit what is applied around it.
    """
    try:
        current: Current | None = ask(settings)
    except HubUnavailable:
        if hub_required:
            raise
        current = None
    wanted, notes = _whole(wanted, current)
    paths = StatePaths(settings.state)
    installation = current.installation if current else _installation(paths)
    observed = observe(wanted.desired, paths, installation=installation)
    if wanted.part is not None and (current is None or current.desired is None):
        observed = within(observed, wanted.desired)
    found = compare(
        wanted.desired,
        observed,
        current,
        installation=installation,
        prune=prune,
        selection=wanted.selection,
        notes=notes,
    )
    return dataclasses.replace(found, where=wanted.where)


def _whole(wanted: Wanted, current: Current | None) -> tuple[Wanted, tuple[str, ...]]:
    """Return what is wanted with the rest of the fleet as it is applied, and what waits for the rest."""
    if wanted.part is None or current is None or current.desired is None:
        return wanted, ()
    from agentctl.config import references

    desired, notes = merged(current.desired, wanted.desired, wanted.part)
    errors = [each for each in references.check(desired) if each.severity == "error"]
    if errors:
        raise ConfigError(
            f"{wanted.selection} doesn't fit what is applied around it: {errors[0].message}",
            hint="plan and apply the whole fleet",
        )
    return dataclasses.replace(wanted, desired=desired), notes


def compare(
    desired: DesiredState,
    observed: ObservedState,
    current: Current | None,
    *,
    installation: str,
    prune: bool,
    selection: str = "",
    notes: tuple[str, ...] = (),
) -> Proposal:
    """Return the proposal for these files, this world and this hub; pure."""
    from agentctl.cli.reviewing import review

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
        demand=Demand(wanted=known.wanted, only_told=True) if current else None,
        quarantined=known.quarantined,
        waiting=known.waiting,
    )
    away = () if current else (HUB_AWAY,)
    waits = kept_back(desired, known.workspaces)
    unusable = _declared(desired, known.unusable)
    trouble = keyless.notes(unusable, _declared(desired, known.away))
    told = (*planned.notes, *notes, *waits, *trouble, *away)
    planned = dataclasses.replace(planned, notes=told)
    return Proposal(
        desired=desired,
        digest=digest,
        current=current,
        plan=planned,
        observed=observed,
        review=review(planned, desired, current, digest=digest, selection=selection),
        unusable=unusable,
    )


def _declared(desired: DesiredState, found: Mapping[str, str]) -> Mapping[str, str]:
    """Return what was found of the providers that are declared now."""
    names = {each.name for each in desired.providers}
    return {name: why for name, why in found.items() if name in names}


def load_wanted(project: Path, chosen: Chosen = ALL, *, lines: bool = False) -> Wanted:
    """Return what the chosen part of the files declares. Raises ConfigError after saying what is wrong.

    With `lines` the files are read anew: compiled state that was kept has no places.
    """
    found = loaded(project, chosen, lines=lines)
    wanted = wanted_of(found, project, chosen)
    return dataclasses.replace(wanted, where=_where(found, project)) if lines else wanted


def wanted_of(found: "Loaded", project: Path, chosen: Chosen) -> Wanted:
    """Return what was loaded as what is wanted. Raises ConfigError after saying what is wrong."""
    for finding in found.findings[:FINDINGS_SHOWN_MAX]:
        click.echo(str(finding), err=True)
    if found.desired is None:
        raise ConfigError(
            f"the files in {project} have {len(found.errors)} error(s), the first:"
            f" {found.errors[0]}; nothing was changed",
            hint="`agentctl validate` explains them",
        )
    if not found.partial:
        return Wanted(desired=found.desired)
    return Wanted(
        desired=found.desired,
        part=Part(hosts=found.limited, by_tags=chosen.by_tags),
        selection=str(chosen),
    )


def loaded(project: Path, chosen: Chosen, *, lines: bool = False) -> "Loaded":
    """Return what the chosen part of the files comes to, from what was kept where nothing changed."""
    from agentctl.config import load
    from agentctl.config.kept import load_kept

    given: dict[str, Any] = {
        "extra_vars": chosen.extra_vars,
        "limit": chosen.limit,
        "tags": chosen.tags,
        "skip_tags": chosen.skip_tags,
    }
    if lines:
        return load(project, **given)
    return load_kept(project, cache=default_cache() / "compiled", **given)


def _where(loaded: "Loaded", project: Path) -> Where:
    from agentctl.cli.spots import prefix_of, spotted

    return spotted(loaded, prefix_of(project))


def load_valid(project: Path) -> DesiredState:
    """Return the fleet that the files declare. Raises ConfigError after printing what is wrong."""
    return load_wanted(project).desired


def ask(settings: Settings) -> Current:
    """Ask the hub what is applied and who works. Raises HubUnavailable, and what the hub refuses."""
    from agentctl.client import connect

    hub = connect(settings)
    latest = hub.get("/api/hub/generations/latest")
    listed = hub.get("/api/hub/agents")
    agents = listed["agents"]
    instances = [each for agent in agents for each in agent["instances"]]
    wanted = {task: agent["name"] for agent in agents for task in agent["wanted"]}
    found = current_from(latest, instances, wanted)
    return dataclasses.replace(
        found,
        unusable=listed.get("unusable", {}),
        away=listed.get("away", {}),
        born=_born(listed.get("births", ())),
    )


def _born(rows: Any) -> Mapping[str, Born]:
    import msgspec

    from agentctl.reconcile.births import born_of

    try:
        return born_of(rows)
    except msgspec.ValidationError:
        return {}  # another version's: what changed shows as hashes then


def current_from(
    latest: Mapping[str, Any],
    instances: list[dict[str, Any]],
    wanted: Mapping[str, str] | None = None,
) -> Current:
    """Parse the hub's answers: the newest generation, and the living instances of its agents.

    `wanted` maps each task that wants a container of its own to its agent.
    """
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
        waiting={each["id"]: each["waiting"] for each in instances if each.get("waiting")},
        wanted=tuple(
            reconcile.Wanted(task=task, agent=agent) for task, agent in (wanted or {}).items()
        ),
        quarantined=frozenset(latest.get("quarantined", ())),
        workspaces=served(latest),
    )


def observe(desired: DesiredState, paths: StatePaths, *, installation: str) -> ObservedState:
    """Look at every declared host through a client that can only read; hosts elsewhere side by side."""
    from agentctl.engine import reader

    def look(host: Host) -> ObservedHost:
        return reader.observe(host, paths=paths, installation=installation)

    if not any(host.remote for host in desired.hosts):
        return ObservedState(hosts=tuple(look(host) for host in desired.hosts))
    from concurrent.futures import ThreadPoolExecutor  # here: most fleets are on this machine

    with ThreadPoolExecutor(LOOKS_AT_ONCE) as pool:
        return ObservedState(hosts=tuple(pool.map(look, desired.hosts)))


def _installation(paths: StatePaths) -> str:
    """Return whose containers are ours, without the hub; "" before its first start: none are."""
    try:
        return paths.installation.read_text().strip()
    except FileNotFoundError:
        return ""
