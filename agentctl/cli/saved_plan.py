"""A plan kept in a file: what it was made of, so that apply can say what moved since.

Source: docs/decisions/0016-reviewing-a-change.md.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agentctl.cli.proposal import Proposal
from agentctl.cli.selecting import Chosen
from agentctl.config.fingerprint import digest_of, file_digests
from agentctl.errors import ConfigError, Conflict
from agentctl.model.digest import desired_digest, plain
from agentctl.model.fleet import DesiredState
from agentctl.model.instance import ObservedState
from agentctl.model.plan import Plan, Remove

FORM = 1
FILE_BYTES_MAX = 256 << 20
MOVED_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """The fleet to be, and the digests of what the plan was made of.

    `files` are those of the project, and of `-e @file` under their own names; `seen` is what
    each container was, by host and id; `interrupts` are the tasks that the plan said it ends.
    """

    form: int
    project: str
    installation: str
    generation: int
    generation_digest: str
    files: dict[str, str]
    seen: dict[str, str]
    interrupts: tuple[str, ...]
    prune: bool
    selection: str
    digest: str
    desired: DesiredState
    quarantined: tuple[str, ...] = ()


def saved(proposal: Proposal, project: Path, chosen: Chosen, *, prune: bool) -> SavedPlan:
    """Return the plan as it is kept. The hub must have been asked."""
    assert proposal.current is not None
    return SavedPlan(
        form=FORM,
        project=str(project.resolve()),
        installation=proposal.current.installation,
        generation=proposal.current.number,
        generation_digest=proposal.current.digest,
        files=files_of(project, chosen.extra_vars),
        seen=seen_in(proposal.observed),
        interrupts=interrupted(proposal.plan),
        prune=prune,
        selection=proposal.review.partial,
        digest=proposal.digest,
        desired=proposal.desired,
        quarantined=tuple(sorted(proposal.current.quarantined)),
    )


def files_of(project: Path, extra_vars: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the digests of the project's files, and of those that -e names (by absolute path)."""
    named = [Path(each[1:]).resolve() for each in extra_vars if each.startswith("@")]
    return {**file_digests(project), **{str(path): digest_of(path) for path in named}}


def seen_in(observed: ObservedState) -> dict[str, str]:
    """Return what a plan hangs on: each of our containers with state and spec, each host that is away."""
    found = {}
    for host in observed.hosts:
        if host.error:
            found[f"host {host.name}"] = "unreachable"
        for each in host.containers:
            name = f"container {each.id[:12]} ({host.name} {each.agent}/{each.replica})"
            found[name] = f"{each.state.value} {each.spec}"
    return found


def interrupted(plan: Plan) -> tuple[str, ...]:
    """Return the tasks that a plan ends."""
    return tuple(
        sorted(
            each.interrupts for each in plan.actions if isinstance(each, Remove) and each.interrupts
        )
    )


def write(plan: SavedPlan, path: Path) -> None:
    """Write a plan so that its owner alone reads it (0600), whole or not at all. Raises ConfigError."""
    data = msgspec.json.encode(plain(plan))
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        beside.replace(path)
    except OSError as why:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise ConfigError(f"the plan can't be written to {path}: {why.strerror}") from why


def read(path: Path) -> SavedPlan:
    """Read a plan back. Raises ConfigError for what is none of this form."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as why:
        raise ConfigError(f"the plan {path} can't be read: {why.strerror}") from why
    try:
        plan = msgspec.json.decode(data, type=SavedPlan)
    except (msgspec.MsgspecError, UnicodeDecodeError) as why:
        raise ConfigError(
            f"{path} is no saved plan of this agentctl: {why}",
            hint="save one with `agentctl plan --out FILE`",
        ) from why
    if plan.form != FORM or desired_digest(plan.desired) != plan.digest:
        raise ConfigError(f"{path} is damaged, or of another agentctl", hint="plan again")
    return plan


def require_unmoved(plan: SavedPlan, now: Proposal, project: Path) -> None:
    """Raise Conflict with the names of what moved since the plan was saved."""
    found = list(moved(plan, now, project))
    if found:
        more = len(found) - MOVED_SHOWN_MAX
        others = f"; and {more} more" if more > 0 else ""
        raise Conflict(
            f"the plan is out of date: {'; '.join(found[:MOVED_SHOWN_MAX])}{others}",
            hint="plan again",
        )


def moved(plan: SavedPlan, now: Proposal, project: Path) -> Iterator[str]:
    """Yield what isn't as it was when the plan was saved, each with its name."""
    current = now.current
    assert current is not None
    if current.installation != plan.installation:
        yield "it was made for another installation"
        return
    if (current.number, current.digest) != (plan.generation, plan.generation_digest):
        yield f"generation {current.number} is applied, it was made against {plan.generation}"
    named = tuple(f"@{each}" for each in plan.files if each.startswith("/"))
    yield from _differences(plan.files, files_of(project, named))
    yield from _differences(plan.seen, seen_in(now.observed))
    for agent in sorted(current.quarantined ^ set(plan.quarantined)):
        yield f"{agent} is {'quarantined' if agent in current.quarantined else 'released'}"
    for task in interrupted(now.plan):
        if task not in plan.interrupts:
            yield f"{task} would be interrupted, and the plan didn't say so"


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        yield f"{name} {'is new' if old is None else 'is gone' if not new else 'has changed'}"
