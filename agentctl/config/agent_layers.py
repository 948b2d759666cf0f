"""The variables in force for one agent on one host, layer by layer: what `inventory --agent` explains."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentctl.config.document import Document
from agentctl.config.files import Files
from agentctl.config.finding import Path
from agentctl.config.host_scope import host_scope
from agentctl.config.inventory import Inventory, variables
from agentctl.config.own_variables import looped
from agentctl.config.pattern import WrongPattern, select
from agentctl.config.scope import Failed, Ledger, Scope, Variable
from agentctl.config.vars_files import play_files

Layers = Sequence[tuple[str, Mapping[str, Variable]]]  # (its name, what it gives), low to high


def agents_on(
    files: Files,
    inventory: Inventory,
    host: str,
    extra: Mapping[str, Variable],
    ledger: Ledger,
) -> Iterator[tuple[str, Scope, Layers]]:
    """Yield each agent that plays declare for a host, its scope, and the layers of its own.

    A declaration that can't be rendered is left out: `agentctl validate` says why. Conditions
    and tags aren't looked at: why one doesn't hold may be just what somebody wants to know.
    """
    for document, path, play in _plays_on(files, inventory, host):
        shared = (
            ("play vars", variables(document, (*path, "vars"), play.get("vars"))),
            (
                "vars_files",
                play_files(files, document, play.get("vars_files", ()), (*path, "vars_files")),
            ),
        )
        both = {**shared[0][1], **shared[1][1]}
        for index, agent in enumerate(play["agents"]):
            at = (*path, "agents", index)
            if not files.sound(document, at) or "name" not in agent:  # only keys that are refused
                continue
            own = variables(document, (*at, "vars"), agent.get("vars"))
            scope = host_scope(inventory, host, both, extra, ledger).with_variables(own)
            for name, inner in _named(document, at, agent, scope):
                item = {
                    each: known
                    for each, known in inner.variables.items()
                    if known.source == "loop" and known.document is None
                }
                yield name, inner, (*shared, ("agent vars", own), ("-e", extra), ("loop", item))


def _named(
    document: Document, path: Path, agent: Mapping[str, Any], scope: Scope
) -> Iterator[tuple[str, Scope]]:
    try:
        for _, inner in looped(document, path, agent, scope):
            yield str(inner.render(agent["name"], document, (*path, "name"))), inner
    except Failed:
        return


def _plays_on(
    files: Files, inventory: Inventory, host: str
) -> Iterator[tuple[Document, Path, Mapping[str, Any]]]:
    for file in files.yaml_in("playbooks"):
        document = files.document(file, "playbook")
        plays = document.value if document and isinstance(document.value, list) else ()
        for index, play in enumerate(plays):
            assert document is not None
            whole = all(
                files.sound(document, (index, key)) for key in ("hosts", "vars", "vars_files")
            )
            whole &= files.sound(document, (index, "agents"), only_here=True)
            if not whole or not files.sound(document, (index,), only_here=True):
                continue
            if not play.keys() >= {"hosts", "agents"}:
                continue
            try:
                chosen = select(
                    play["hosts"], hosts=tuple(inventory.hosts), groups=inventory.members
                )
            except WrongPattern:
                continue
            if host in chosen:
                yield document, (index,), play
