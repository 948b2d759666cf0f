"""Hosts with an engine, out of an inventory that may hold others too."""

from collections.abc import Mapping

from agentctl.config import compile as compiled
from agentctl.config.engine_url import ENGINE_WORDS, engine_wrong
from agentctl.config.finding import Finding, Subject, meant_to_be, shown
from agentctl.config.host_scope import host_scope
from agentctl.config.inventory import Inventory
from agentctl.config.place import Place
from agentctl.config.plays import Agents
from agentctl.config.scope import Failed, Ledger, Scope, Variable
from agentctl.config.selection import Selection
from agentctl.model.fleet import Host


def hosts_with_engines(
    inventory: Inventory,
    agents: Agents,
    extra: Mapping[str, Variable],
    selection: Selection,
    ledger: Ledger,
) -> tuple[list[Host], dict[Subject, Place]]:
    """Return the hosts that have an engine, and where each is declared.

    Hosts of an Ansible inventory that no play selects need none.
    """
    found: list[Host] = []
    places: dict[Subject, Place] = {}
    for name in selection.hosts(tuple(inventory.hosts)):
        document, path = inventory.declared[name]
        scope = host_scope(inventory, name, {}, extra, ledger)
        if "engine_url" not in scope.variables:
            if name in agents.hosts:
                known = list(scope.variables)
                ledger.findings.append(
                    document.finding(
                        "missing-engine",
                        f"host {name!r} has no engine_url, and a play runs agents on it",
                        path,
                        expected="engine_url: unix:///var/run/docker.sock, or process:",
                        suggestion=meant_to_be("engine_url", known),
                    )
                )
            continue
        places[("host", name)] = Place(document, path)
        host = _host(name, scope, inventory, ledger, prune=name in agents.pruned)
        if host is not None:
            found.append(host)
    return found, places


def _host(
    name: str, scope: Scope, inventory: Inventory, ledger: Ledger, *, prune: bool
) -> Host | None:
    try:
        url = scope.value("engine_url")
        isolation = scope.value("isolation") if "isolation" in scope.variables else "strict"
    except Failed:
        return None
    wrong = engine_wrong(url)
    if wrong is not None:
        _refuse(scope, "engine_url", name, *wrong, ENGINE_WORDS, ledger)
    elif isolation not in ("strict", "none"):
        message = f"isolation is strict or none; found {shown(isolation)}"
        _refuse(scope, "isolation", name, "bad-value", message, "strict or none", ledger)
    else:
        groups = inventory.named_groups(name)
        return compiled.host(name, engine_url=url, isolation=isolation, groups=groups, prune=prune)
    return None


def _refuse(
    scope: Scope, variable: str, host: str, rule: str, message: str, expected: str, ledger: Ledger
) -> None:
    given = scope.variables[variable]
    text = f"host {host!r}: {message}"
    if given.document is None:
        ledger.findings.append(Finding(rule=rule, message=f"{text} (in -e)", expected=expected))
    else:
        ledger.findings.append(given.document.finding(rule, text, given.path, expected=expected))
