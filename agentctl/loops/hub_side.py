"""The hub as the reconciler calls it: answers parsed at this border, one method per route."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from agentctl.errors import AgentctlError, NotFound
from agentctl.model.alert import WORDS_MAX as FINDING_WORDS_MAX
from agentctl.model.alert import Finding
from agentctl.model.digest import plain
from agentctl.model.fleet import DesiredState
from agentctl.model.instance import InstanceState, ObservedHost, ObservedState
from agentctl.model.mode import Mode, ModeName
from agentctl.model.plan import Create
from agentctl.reconcile import Born, Demand, Wanted
from agentctl.reconcile.births import born_of
from agentctl.reconcile.slots import Slot

SUBJECT_MAX = 160
_NOT_IN_A_SUBJECT = re.compile(r"[^A-Za-z0-9 ._:/-]")  # engines' names, as the hub takes them
WORDS_MAX = 2000  # of a reason or an error; engines' messages can be long, and the hub bounds them
LONG_POLL_SLACK_S = 10.0  # an answer to a long poll may be this late before the hub counts as away


class Wire(Protocol):
    """The part of client.Hub that is used here."""

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]: ...

    def post(self, path: str, body: Any) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The newest generation. `desired` is None when it is the one already known, or none is applied.

    `wakes` counts the hub's calls to look again, for the next poll to go on from.
    """

    number: int
    digest: str
    prune: bool
    installation: str
    desired: DesiredState | None
    wakes: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What the hub knows of living instances, and the mode it is in.

    `proved` are the ephemeral ones that have had their task, `quarantined` are agents by name.
    `refused` are places whose workspace may not serve what is declared there, each with why;
    `hosts` says where each known instance is.
    `waiting` maps an outdated instance to a queued task that it may be given; `births` are what
    outdated ones were born with, by spec hash.
    """

    mode: Mode
    known: frozenset[str]
    draining: frozenset[str]
    work: Mapping[str, str]
    demand: Demand
    proved: frozenset[str]
    quarantined: frozenset[str] = frozenset()
    refused: Mapping[Slot, str] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    births: Mapping[str, Born] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """An instance whose intent is recorded: what its container's labels must say."""

    instance: str
    label: str
    provider: str
    boundary: str
    installation: str
    fleet: str
    workspace: tuple[tuple[str, str], ...] = ()


class HubSide:
    """The reconciler's calls. Every one raises HubUnavailable when the hub doesn't answer."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def desired(self, *, after: int, wait_s: float, wakes: int = -1) -> Applied:
        """Return the newest generation, waiting up to `wait_s` for one newer than `after`.

        A call to look again since the answer that had `wakes` ends the wait too.
        """
        answer = self._wire.get(
            "/api/hub/desired",
            {"after": after, "wait": round(wait_s), "wakes": wakes},
            timeout_s=wait_s + LONG_POLL_SLACK_S,
        )
        found = answer.get("desired")
        return Applied(
            number=answer["generation"],
            digest=answer["digest"],
            prune=answer["prune"],
            installation=answer["installation"],
            desired=None if found is None else _desired(found),
            wakes=answer["wakes"],
        )

    def observed(self, observed: ObservedState, *, installation: str) -> Registry:
        """Report what the engines show of ours; return what the hub knows of the instances."""
        answer = self._wire.post(
            "/api/hub/observed", {"hosts": [_host(each, installation) for each in observed.hosts]}
        )
        rows = answer["instances"]
        return Registry(
            mode=Mode(name=ModeName(answer["mode"])),
            known=frozenset(row["id"] for row in rows),
            draining=frozenset(row["id"] for row in rows if row["draining"]),
            work={row["id"]: row["task"] for row in rows if row["task"]},
            demand=Demand(
                wanted=tuple(Wanted(**each) for each in answer["demand"]),
                free=frozenset(row["id"] for row in rows if row["free"]),
                spent={row["id"]: row["spent"] for row in rows if row["spent"]},
            ),
            proved=frozenset(row["id"] for row in rows if row["spent"] and row["served"]),
            quarantined=frozenset(answer["quarantined"]),
            refused={
                Slot(host=each["host"], agent=each["agent"], replica=each["replica"]): each["why"]
                for each in answer["refused"]
            },
            hosts={row["id"]: row["host"] for row in rows},
            waiting={row["id"]: row["waiting"] for row in rows if row["waiting"]},
            births=_births(answer["births"]),
        )

    def reserve(self, create: Create, *, generation: int) -> Reserved:
        """Record the intent to create one container. Raises Degraded, Conflict."""
        answer = self._wire.post(
            "/api/hub/instances",
            {
                "agent": create.agent,
                "host": create.host,
                "replica": create.replica,
                "spec": create.spec_hash,
                "generation": generation,
                **({"task": create.task} if create.task else {}),
            },
        )
        pairs = tuple((label, boundary) for label, boundary in answer["workspace"])
        return Reserved(
            **{name: answer[name] for name in Reserved.__slots__ if name != "workspace"},
            workspace=pairs,
        )

    def bind(self, instance: str, container: str) -> dict[str, Any]:
        """Tie the instance to its container; return the boot document, token included."""
        answer = self._wire.post(f"/api/hub/instances/{instance}/bind", {"container": container})
        boot: dict[str, Any] = answer["boot"]
        return boot

    def carried(self, instance: str, host: str, process: str) -> None:
        """Say which process carries the door of a container on a host, before anything comes through it."""
        body = {"host": host, "process": process}
        self._wire.post(f"/api/hub/instances/{instance}/carrier", body)

    def mark(self, instance: str, state: InstanceState, reason: str) -> None:
        """Record where an instance is in its end. One that the hub has no record of is no error."""
        try:
            self._wire.post(
                f"/api/hub/instances/{instance}/state",
                {"state": state.value, "reason": reason[:WORDS_MAX]},
            )
        except NotFound:
            return

    def drain(self, instance: str, reason: str, *, only_idle: bool = False) -> str:
        """Give the instance no more work; return the task it still holds, "" when none.

        With `only_idle` one that holds a task goes on as before.
        """
        body: dict[str, Any] = {"reason": reason[:WORDS_MAX]}
        body |= {"only_idle": True} if only_idle else {}
        try:
            answer = self._wire.post(f"/api/hub/instances/{instance}/drain", body)
        except NotFound:
            return ""
        return answer["task"] or ""

    def alerts(self, findings: Iterable[Finding], *, told: int) -> list[dict[str, Any]]:
        """Tell what checks found and how far the sinks were told; return the alerts after that."""
        body = {
            "findings": [
                {
                    "check": each.check,
                    "subject": _NOT_IN_A_SUBJECT.sub("_", each.subject)[:SUBJECT_MAX],
                    "severity": each.severity.value,
                    "words": each.words[:FINDING_WORDS_MAX],
                }
                for each in findings
            ],
            "told": told,
        }
        rows: list[dict[str, Any]] = self._wire.post("/api/hub/alerts/report", body)["alerts"]
        return rows

    def report(self, document: dict[str, Any]) -> None:
        """Tell what a pass plans, does and did."""
        self._wire.post("/api/hub/passes", document)


def _host(host: ObservedHost, installation: str) -> dict[str, Any]:
    """Return a host as the hub takes it; a container whose labels can't be read has no instance there."""
    return {
        "name": host.name,
        "error": host.error[:WORDS_MAX],
        "engine": host.engine,
        "containers": [
            plain(each)
            for each in host.containers
            if each.installation == installation and each.replica >= 0
        ],
    }


def _births(rows: Iterable[Any]) -> dict[str, Born]:
    try:
        return born_of(rows)
    except msgspec.ValidationError as why:
        raise AgentctlError(
            f"the hub's word on what containers were born with can't be read: {why}",
            hint="run hub and reconciler of one version",
        ) from why


def _desired(document: Any) -> DesiredState:
    try:
        return msgspec.convert(document, DesiredState)
    except msgspec.ValidationError as why:
        raise AgentctlError(
            f"the hub's generation can't be read: {why}",
            hint="run hub and reconciler of one version",
        ) from why
