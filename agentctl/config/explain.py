"""Where each variable of a host comes from: every layer that gives it, the winning one marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentctl.config.agent_layers import Layers, agents_on
from agentctl.config.files import Files
from agentctl.config.finding import Finding, Severity, did_you_mean, in_order
from agentctl.config.host_scope import OF_THE_HOST, host_scope
from agentctl.config.inventory import Inventory
from agentctl.config.project import read_inventory, require_directory
from agentctl.config.scope import Failed, Ledger, Scope
from agentctl.config.vars_files import extra_vars as parse_extra_vars
from agentctl.errors import ConfigError, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A variable: its value as rendered (None with `failed`), who gives it, whom that overrides."""

    name: str
    value: Any
    source: str
    layer: str
    overrides: tuple[tuple[str, str], ...]  # (layer, source), the nearest first
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostVariables:
    host: str
    groups: tuple[str, ...]
    variables: tuple[Explained, ...]
    findings: tuple[Finding, ...]


def host_names(project: Path) -> tuple[str, ...]:
    """Return the inventory's hosts in its order. Raises ConfigError where it can't be read as written."""
    files, inventory = _inventory(project)
    _require_sound(files)
    return tuple(inventory.hosts)


def _inventory(project: Path) -> tuple[Files, Inventory]:
    require_directory(project)
    files = Files(project)
    inventory, _ = read_inventory(files)
    return files, inventory


def _require_sound(files: Files) -> None:
    """Raise ConfigError with the first error: a list made nonetheless would look like all there is."""
    errors = [each for each in in_order(files.findings) if each.severity is Severity.ERROR]
    if errors:
        raise ConfigError(
            f"the inventory can't be read as it is written: {errors[0]}",
            hint="`agentctl validate` explains it",
        )


def explain(
    project: Path, host: str, *, agent: str = "", extra_vars: Sequence[str] = ()
) -> HostVariables:
    """Return a host's variables, each with where it came from: outside any play, or of one agent.

    Raises NotFound for a host that the inventory doesn't have, and for an agent that no play
    declares on it; ConfigError where that may be for the inventory's own errors.
    """
    files, inventory = _inventory(project)
    ledger = Ledger(files.findings)
    if host not in inventory.hosts:
        _require_sound(files)
        hint = did_you_mean(host, inventory.hosts) or "see `agentctl inventory`"
        raise NotFound(f"the inventory has no host {host!r}", hint=hint)
    extra = parse_extra_vars(extra_vars, ledger.findings)
    scope = host_scope(inventory, host, {}, extra, ledger)
    nearer: Layers = (("-e", extra),)
    if agent:
        declared = {
            name: (inner, own)
            for name, inner, own in agents_on(files, inventory, host, extra, ledger)
        }
        if agent not in declared:
            hint = did_you_mean(agent, declared) or "see `agentctl validate`, and the play's hosts"
            raise NotFound(f"no play declares an agent {agent!r} on {host}", hint=hint)
        scope, nearer = declared[agent]
    return HostVariables(
        host=host,
        groups=inventory.named_groups(host),
        variables=_explained(scope, (*inventory.layers(host), *nearer)),
        findings=in_order(ledger.findings),
    )


def _explained(scope: Scope, layers: Layers) -> tuple[Explained, ...]:
    explained = []
    for name, variable in sorted(scope.variables.items()):
        given = () if name in OF_THE_HOST else _given(name, layers)
        try:
            value, failed = scope.value(name), False
        except Failed:
            value, failed = None, True
        layer = given[0][0] if given else "magic"
        explained.append(
            Explained(
                name=name,
                value=value,
                source=variable.source,
                layer=layer,
                overrides=given[1:],
                failed=failed,
            )
        )
    return tuple(explained)


def _given(name: str, layers: Layers) -> tuple[tuple[str, str], ...]:
    """Return every layer that gives a variable, the winning one first."""
    return tuple(
        (layer, variables[name].source)
        for layer, variables in reversed(layers)
        if name in variables
    )
