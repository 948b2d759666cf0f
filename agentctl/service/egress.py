"""May a container reach a place: declared now, born with, its label within the boundary; pure.

The declaration is the grant: the verbs of access rules have none for egress, so only a deny of
every verb (`*`) takes it back. Source: docs/decisions/0023-egress.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agentctl.model.decision import Decision, Question
from agentctl.model.digest import digest
from agentctl.model.fleet import AgentSpec, Destination
from agentctl.model.instance import Instance
from agentctl.model.task import Task
from agentctl.service.context import Fleet

VERB = "egress"  # as decisions and the journal name it
TakesBack = Callable[[Question], Decision | None]
TERMS_CHARS = 16  # 64 bits: it tells declarations apart, and only the hub and egress see it


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One host and port of a destination."""

    destination: Destination
    host: str
    port: int

    @property
    def terms(self) -> str:
        """Return a digest of what is declared of this place: a tunnel lives while that stands."""
        declared = self.destination
        facts = (declared.name, declared.boundary, declared.networks, self.host, self.port)
        return digest(facts)[:TERMS_CHARS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A question of egress with its answer; `place` is None for what nobody declares."""

    question: Question
    decision: Decision
    place: Place | None = None


def places(fleet: Fleet, agent: str) -> Iterator[Place]:
    """Yield every place that an agent declares in the applied generation."""
    spec: AgentSpec | None = fleet.agents.get(agent)
    for name in spec.egress if spec else ():
        destination = fleet.generation.desired.destination(name)
        for host, port in destination.hosts if destination else ():
            assert destination is not None
            yield Place(destination=destination, host=host, port=port)


def ruling(
    fleet: Fleet,
    task: Task,
    instance: Instance,
    host: str,
    port: int,
    *,
    takes_back: TakesBack,
    now_s: float,
) -> Ruling:
    """Return whether this container may reach host and port with this task; `now_s` is wall clock.

    `takes_back` is asked last: the rules' refusal of what is declared (narrowed by OPA or not).
    """
    declared = [
        each for each in places(fleet, instance.agent) if (each.host, each.port) == (host, port)
    ]
    born = [each for each in declared if each.destination.name in instance.egress]
    place = next(iter(born or declared), None)
    label = fleet.levels.join((task.sensitivity, instance.label))
    question = Question(
        verb=VERB,
        principal=f"agent:{instance.agent}",
        target=f"destination:{place.destination.name if place else f'{host}:{port}'}",
        level=label,
        labels=task.labels,
        capabilities=task.capabilities,
        at_s=now_s,
    )
    if place is None:
        said = _no("undeclared", f"{instance.agent} declares no destination with {host}:{port}")
    elif not born:
        name = place.destination.name
        said = _no("birth", f"this container was born without egress to {name}")
    else:
        said = _of_declared(fleet, place, question, takes_back)
    return Ruling(question=question, decision=said, place=place)


def _of_declared(fleet: Fleet, place: Place, question: Question, takes_back: TakesBack) -> Decision:
    destination = place.destination
    if not fleet.levels.may_cross(question.level, destination.boundary):
        return _no("boundary", f"{question.level} may not cross boundary {destination.boundary}")
    return takes_back(question) or Decision(
        allowed=True,
        rule=f"egress:{destination.name}",
        reason=f"{question.principal} declares egress to {destination.name}, and {question.level}"
        f" may cross boundary {destination.boundary}",
    )


def _no(rule: str, reason: str) -> Decision:
    return Decision(allowed=False, rule=rule, reason=reason)
