"""A project to a fleet: the stages in their order, and every finding of each."""

import dataclasses
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agentctl.config import compile as compiled
from agentctl.config import references
from agentctl.config.files import Files
from agentctl.config.finding import Finding, Severity, in_order, shown
from agentctl.config.fingerprint import is_usual
from agentctl.config.host_scope import host_scope
from agentctl.config.hosts import hosts_with_engines
from agentctl.config.inventory import Inventory, inventory_from
from agentctl.config.loaded import Loaded
from agentctl.config.message_kinds import message_kinds
from agentctl.config.names import FLEET_WORDS, is_name
from agentctl.config.pattern import WrongPattern, select
from agentctl.config.place import positioned
from agentctl.config.plays import Plays
from agentctl.config.policies import Policies
from agentctl.config.scope import Failed, Ledger, Scope
from agentctl.config.selection import Selection
from agentctl.config.vars_files import extra_vars as parse_extra_vars
from agentctl.config.vars_files import named_files
from agentctl.errors import ConfigError

# What can't be judged while a part of the files is unusable: the finding about that part says enough.
_NEEDS = {
    "unknown-provider": ("providers",),
    "unknown-destination": ("destinations",),
    "unheard-topic": ("agents",),
    "unspoken-topic": ("agents",),
    "unknown-level": ("routing",),
    "unknown-boundary": ("routing",),
    "clearance-without-isolation": ("routing",),
    "unservable-route": ("agents", "providers", "routing"),
    "unmatched-rule": ("agents",),
    "no-agents": ("agents",),
    "shadowed-route": ("routing",),
    "unknown-host": ("hosts",),
}


def load_project(
    project: Path,
    *,
    extra_vars: Sequence[str] = (),
    limit: str = "",
    tags: Sequence[str] = (),
    skip_tags: Sequence[str] = (),
) -> Loaded:
    """See `agentctl.config.load`."""
    require_directory(project)
    with _no_collection():
        return _load(project, extra_vars, limit, tuple(tags), tuple(skip_tags))


def require_directory(project: Path) -> None:
    """Raise ConfigError where there is no project to look at."""
    if not project.is_dir():
        raise ConfigError(
            f"there is no directory {project}",
            hint="give the project with --project DIR, or write one with `agentctl init DIR`",
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the cycle collector out: parsing makes many objects and no cycles (three times as fast)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _load(
    project: Path,
    extra_vars: Sequence[str],
    limit: str,
    tags: tuple[str, ...],
    skip_tags: tuple[str, ...],
) -> Loaded:
    files = Files(project)
    ledger = Ledger(files.findings)
    extra = parse_extra_vars(extra_vars, ledger.findings)
    inventory, inventory_sound = read_inventory(files)
    everywhere = host_scope(inventory, None, {}, extra, ledger)
    policies = Policies(files=files, scope=everywhere, ledger=ledger)
    providers, routing = policies.providers(), policies.routing()
    access, monitoring = policies.access(), policies.monitoring()
    destinations, opa = policies.destinations(), policies.opa()
    kinds = message_kinds(files)
    files.strangers()

    selection = _selection(inventory, limit, tags, skip_tags, ledger)
    plays = Plays(
        files=files,
        inventory=inventory,
        inventory_sound=inventory_sound,
        extra=extra,
        selection=selection,
        ledger=ledger,
    )
    for file in files.yaml_in("playbooks"):
        document = files.document(file, "playbook")
        if document is None:
            plays.agents.complete = False
        else:
            plays.add(document)

    hosts, places = hosts_with_engines(inventory, plays.agents, extra, selection, ledger)
    desired = compiled.fleet(
        _fleet(everywhere, ledger) if inventory_sound or "fleet" in everywhere.variables else "",
        hosts=hosts,
        agents=plays.agents.specs,
        providers=providers,
        routing=routing,
        access=access,
        monitoring=monitoring,
        destinations=destinations,
        message_kinds=kinds,
        opa=opa,
    )
    unusable = {name for name, complete in policies.complete.items() if not complete}
    if not (plays.agents.complete and inventory_sound) or plays.agents.partial:
        unusable.add("agents")
    unusable |= {"hosts"} if len(hosts) < len(plays.agents.hosts) else set()
    known_bad = () if desired.fleet else (("fleet",),)  # its own finding says more
    places |= policies.places | plays.agents.places
    ledger.findings.extend(
        positioned(each, places)
        for each in references.check(desired)
        if not unusable.intersection(_NEEDS.get(each.rule, ())) and each.subject not in known_bad
    )
    findings = in_order(ledger.findings)
    broken = any(each.severity is Severity.ERROR for each in findings)
    return Loaded(
        desired=None if broken else desired,
        findings=findings,
        sources=files.sources,
        partial=plays.agents.partial or selection.limited is not None,
        limited=selection.limited,
        places=places,
        others=tuple(sorted(each for each in files.named if not is_usual(each))),
    )


def read_inventory(files: Files) -> tuple[Inventory, bool]:
    """Return the inventory with its group_vars and host_vars, and whether its file is sound."""
    document = files.required("inventory")
    inventory = inventory_from(document)
    sound = document is not None and files.sound(document, ()) and not inventory.wrong
    files.findings.extend(inventory.wrong)
    whole = dataclasses.replace(
        inventory,
        group_files=named_files(files, "group_vars", inventory.groups, sure=sound),
        host_files=named_files(files, "host_vars", inventory.hosts, sure=sound),
    )
    return whole, sound


def _selection(
    inventory: Inventory,
    limit: str,
    tags: tuple[str, ...],
    skip_tags: tuple[str, ...],
    ledger: Ledger,
) -> Selection:
    limited = _limited(inventory, limit, ledger) if limit else None
    return Selection(limited=limited, tags=tags, skip_tags=skip_tags)


def _limited(inventory: Inventory, limit: str, ledger: Ledger) -> frozenset[str]:
    """Return the hosts that `--limit` selects; none is a finding: it would look like success."""
    try:
        chosen = select(limit, hosts=tuple(inventory.hosts), groups=inventory.members)
    except WrongPattern as error:
        said = Finding(rule=error.rule, message=f"--limit: {error}", suggestion=error.suggestion)
        ledger.findings.append(said)
        return frozenset()
    if not chosen and inventory.hosts:
        said = Finding(
            rule="no-hosts",
            message=f"--limit: no host matches {shown(limit)}",
            suggestion="`agentctl inventory` lists the hosts",
        )
        ledger.findings.append(said)
    return frozenset(chosen)


def _fleet(scope: Scope, ledger: Ledger) -> str:
    """Return the fleet's name: the variable `fleet` of group all, or what -e says."""
    try:
        name = scope.value("fleet")
    except KeyError:
        ledger.findings.append(
            Finding(
                rule="missing-fleet",
                message="the fleet has no name",
                file="inventory.yaml",
                line=1,
                column=1,
                path="all.vars.fleet",
                expected=FLEET_WORDS,
                suggestion="write `vars: {fleet: NAME}` under `all`",
            )
        )
        return ""
    except Failed:
        return ""
    if isinstance(name, str) and is_name(name):
        return name
    variable = scope.variables["fleet"]
    message = f"the fleet's name must be {FLEET_WORDS}; found {shown(name)}"
    if variable.document is None:
        ledger.findings.append(Finding(rule="bad-fleet", message=f"{message} (in -e)"))
    else:
        ledger.findings.append(
            variable.document.finding(
                "bad-fleet", message, variable.path, expected=FLEET_WORDS, found=shown(name)
            )
        )
    return ""
