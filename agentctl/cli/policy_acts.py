"""What can be done in a fleet at all: who could do which verb to whom, before any rule is asked."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agentctl.config.names import MESSAGE_TYPES
from agentctl.model.fleet import AgentSpec, DesiredState
from agentctl.policy.matrix import Act, Principal
from agentctl.policy.roles import TAKEN
from agentctl.resources import root

ANY_OPERATOR = "operator:*"
EVENT = "event"
_SET = re.compile(r"\[(!?)(.[^\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Globs of what is wanted; `verbs` empty is all."""

    principal: str = "*"
    target: str = "*"
    verbs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acts:
    """The acts of a fleet that are asked for. Principals of rules' patterns are asked as witnesses."""

    desired: DesiredState
    asked: Asked

    def all(self, verbs: Iterable[str]) -> Iterator[Act]:
        """Yield the acts by principal, then verb, then target."""
        known = [each for each in verbs if each in BY_VERB]
        for principal in self._operators():
            for verb in known:
                yield from OF_OPERATORS.get(verb, _none)(self, principal)
        for spec in self._agents():
            for verb in known:
                yield from OF_AGENTS.get(verb, _no_agents)(self, spec)

    def submits(self, principal: Principal) -> Iterator[Act]:
        if principal[1] not in _roles(self.desired):
            return
        for target in self._targets():
            yield Act(
                verb="task.submit",
                principal=principal,
                target=f"agent:{target.name}",
                levels=self.desired.routing.levels,
                type="",
            )

    def declassifications(self, principal: Principal) -> Iterator[Act]:
        """Yield an act for each level that a label may fall to; any task stands for all."""
        levels = self.desired.routing.levels
        if principal[1] not in TAKEN["declassify"] or not self._wants("task:*"):
            return
        for at, to in enumerate(levels[:-1]):
            yield Act(
                verb="declassify",
                principal=principal,
                target="task:*",
                levels=levels[at + 1 :],
                type=to,
            )

    def delegations(self, spec: AgentSpec) -> Iterator[Act]:
        for target in self._targets():
            yield Act(
                verb="task.delegate",
                principal=(f"agent:{spec.name}", ""),
                target=f"agent:{target.name}",
                levels=self._up_to(spec),
                type="",
            )

    def messages(self, spec: AgentSpec) -> Iterator[Act]:
        """Yield an act for each type and agent, and for each topic that the sender publishes."""
        kinds = _kinds(self.desired)
        for target in self._targets():
            for type_ in MESSAGE_TYPES:
                if type_ != EVENT:
                    yield Act(
                        verb="message.send",
                        principal=(f"agent:{spec.name}", ""),
                        target=f"agent:{target.name}",
                        levels=self._up_to(spec),
                        type=type_,
                        kinds=kinds,
                        capabilities=target.capabilities,
                        labels=target.labels,
                    )
        for topic in spec.publishes:
            if self._wants(f"topic:{topic}"):
                yield Act(
                    verb="message.send",
                    principal=(f"agent:{spec.name}", ""),
                    target=f"topic:{topic}",
                    levels=self._up_to(spec),
                    type=EVENT,
                    kinds=kinds,
                    capabilities=(),
                    labels=(),
                )

    def secrets(self, spec: AgentSpec) -> Iterator[Act]:
        for secret in spec.secrets:
            if self._wants(f"secret:{secret.name}"):
                yield Act(
                    verb="secret.read",
                    principal=(f"agent:{spec.name}", ""),
                    target=f"secret:{secret.name}",
                    levels=(spec.clearance,),
                    type="",
                    capabilities=spec.capabilities,
                    labels=(),
                    granted=True,
                )

    def model_calls(self, spec: AgentSpec) -> Iterator[Act]:
        if self._wants(f"provider:{spec.provider}"):
            yield Act(
                verb="model.call",
                principal=(f"agent:{spec.name}", ""),
                target=f"provider:{spec.provider}",
                levels=self._up_to(spec),
                type="",
                granted=True,
            )

    def _up_to(self, spec: AgentSpec) -> tuple[str, ...]:
        """Return the levels that a container of an agent may have: what it does carries its label."""
        levels = self.desired.routing.levels
        return levels[: levels.index(spec.clearance) + 1] if spec.clearance in levels else ()

    def _operators(self) -> Iterator[Principal]:
        for name, role in operators(self.desired):
            if fnmatchcase(shown((name, role)), self.asked.principal):
                yield witness(name), role

    def _agents(self) -> list[AgentSpec]:
        wanted = self.asked.principal
        return [
            each for each in _by_name(self.desired) if fnmatchcase(f"agent:{each.name}", wanted)
        ]

    def _targets(self) -> list[AgentSpec]:
        return [each for each in _by_name(self.desired) if self._wants(f"agent:{each.name}")]

    def _wants(self, target: str) -> bool:
        return fnmatchcase(target, self.asked.target)


def _none(_acts: Acts, _principal: Principal) -> Iterator[Act]:
    return iter(())


def _no_agents(_acts: Acts, _spec: AgentSpec) -> Iterator[Act]:
    return iter(())


OF_OPERATORS = {"task.submit": Acts.submits, "declassify": Acts.declassifications}
OF_AGENTS = {
    "task.delegate": Acts.delegations,
    "message.send": Acts.messages,
    "secret.read": Acts.secrets,
    "model.call": Acts.model_calls,
}
BY_VERB = {*OF_OPERATORS, *OF_AGENTS}


def operators(desired: DesiredState) -> tuple[Principal, ...]:
    """Return operators as the rules name them: in no known role, in each that a rule names, and as admins."""
    rules = [each.principal for each in desired.access]
    names = {ANY_OPERATOR, *(each for each in rules if each.startswith("operator:"))}
    return tuple(
        (name, role)
        for name in sorted(names)
        for role in sorted({*_roles(desired), *TAKEN["declassify"]})
    )


def _roles(desired: DesiredState) -> set[str]:
    """Return the roles that rules name, and "" for one that they don't."""
    rules = [each.principal for each in desired.access]
    return {"", *(each.removeprefix("role:") for each in rules if each.startswith("role:"))}


def shown(who: Principal) -> str:
    """Return a principal as a row names it."""
    name, role = who
    if not role:
        return name
    return f"role:{role}" if name == ANY_OPERATOR else f"{name} as role:{role}"


def witness(pattern: str) -> str:
    """Return a name that the pattern matches, and of narrower patterns as few as can be.

    A pattern's * and ? match themselves; a [set] is replaced by a character that is in it.
    """
    return _SET.sub(lambda found: _one_of(found[2], outside=bool(found[1])), pattern)


def _one_of(characters: str, *, outside: bool) -> str:
    if not outside:
        return characters[0]
    others = (chr(each) for each in range(ord("0"), ord("z")) if chr(each).isalnum())
    return next((each for each in others if not fnmatchcase(each, f"[{characters}]")), "~")


def _by_name(desired: DesiredState) -> list[AgentSpec]:
    """Return each agent once: what is read here is equal on all its hosts."""
    found = {each.name: each for each in reversed(desired.agents)}
    return [found[name] for name in sorted(found)]


def _kinds(desired: DesiredState) -> frozenset[str]:
    shipped = (path.stem for path in (root() / "schemas/messages").glob("*.yaml"))
    return frozenset({*shipped, *(each.name for each in desired.message_kinds)})
