"""Where in the files each part of a plan is declared, as a pull request names the files."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from agentctl.config.loaded import Loaded
from agentctl.model.annotation import Spot

Subject = tuple[str, ...]
_IN_FILES = {"rule": "access", "routes": "routing"}  # a declaration's kind: what its place is under


def spotted(loaded: Loaded, prefix: str) -> Callable[[Subject], Spot | None]:
    """Return what finds a subject's line: ("agent", name, host, field …), ("provider", name, field) …

    None for what stands nowhere any more. Files are named from the repository's top by `prefix`.
    """
    providers = _providers(loaded)

    def spot(subject: Subject) -> Spot | None:
        subject = (_IN_FILES.get(subject[0], subject[0]), *subject[1:])
        if subject[0] == "agent" and subject[3:4] == ("provider",) and len(subject) > 4:
            named = ("provider", providers.get(subject[1:3], ""), *subject[4:])
            return _spot(named, loaded, prefix) or _spot(subject, loaded, prefix)
        return _spot(subject, loaded, prefix)

    return spot


def _providers(loaded: Loaded) -> Mapping[Subject, str]:
    agents = loaded.desired.agents if loaded.desired else ()
    return {(each.name, each.host): each.provider for each in agents}


def _spot(subject: Subject, loaded: Loaded, prefix: str) -> Spot | None:
    from agentctl.config.finding import Finding
    from agentctl.config.message_kinds import FOLDER
    from agentctl.config.place import positioned

    if subject[0] == "message kind":  # the file is the declaration
        files = (f"{FOLDER}/{subject[1]}{ending}" for ending in (".yaml", ".yml"))
        there = next((each for each in files if each in loaded.sources), None)
        return Spot(file=prefix + there, line=1, column=1) if there else None
    found = positioned(Finding(rule="", message="", subject=subject), loaded.places)
    if not found.file:
        return None
    return Spot(file=prefix + found.file, line=found.line, column=found.column)


def prefix_of(project: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Return what leads from the repository's top to the project: "" or "fleets/acme/".

    The top is where the workflow checked out to, or the directory that holds .git.
    """
    at = project.resolve()
    top = environment.get("GITHUB_WORKSPACE")
    tops = [Path(top).resolve()] if top else []
    tops += [each for each in (at, *at.parents) if (each / ".git").exists()][:1]
    for each in tops:
        if at.is_relative_to(each):
            inside = at.relative_to(each).as_posix()
            return "" if inside == "." else f"{inside}/"
    return ""
