"""What every use case works with: the store, the clock, the keys, and what lives in memory only."""

from dataclasses import dataclass, field
from typing import Protocol

from agentctl.artifacts import Shelf
from agentctl.errors import Degraded
from agentctl.identity import Seal, Signer
from agentctl.messages import Fellow, Kind
from agentctl.model.decision import Question
from agentctl.model.digest import spec_hash
from agentctl.model.fleet import AgentSpec, Generation, Opa
from agentctl.model.mode import Mode, Verb
from agentctl.model.ports import Clock, Ids, Randomness
from agentctl.monitor import permits
from agentctl.opa import Answer, OpaServer
from agentctl.policy import Policy, compile_rules
from agentctl.routing import Levels
from agentctl.service.fellows import fellows
from agentctl.service.kinds import kinds
from agentctl.service.live import Live
from agentctl.store import Store

SVID_LIFETIME_S = 300.0  # half of the ten minutes allowed: a stolen one is soon worthless


class Asker(Protocol):
    """Who asks an OPA server: takes its timeout at the most, raises nothing."""

    def ask(self, where: Opa, question: Question, *, generation: int) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Fleet:
    """An applied generation, compiled once for deciding: replaced as a whole, never changed."""

    generation: Generation
    levels: Levels
    policy: Policy
    agents: dict[str, AgentSpec]
    kinds: dict[str, Kind]
    fellows: dict[str, Fellow]
    specs: dict[tuple[str, str], str]  # the spec hash that is declared, by agent and host

    @classmethod
    def of(cls, generation: Generation) -> "Fleet":
        desired = generation.desired
        providers = {each.name: each for each in desired.providers}
        return cls(
            generation=generation,
            levels=Levels.of(desired.routing),
            policy=compile_rules(desired.access),
            agents={spec.name: spec for spec in reversed(desired.agents)},
            kinds=kinds(desired.message_kinds),
            fellows=fellows(desired),
            specs={
                (spec.name, spec.host): spec_hash(spec, provider)
                for spec in desired.agents
                if (provider := providers.get(spec.provider)) is not None
            },
        )

    @property
    def opa(self) -> Opa:
        return self.generation.desired.opa

    @property
    def lease_s(self) -> float:
        return self.generation.desired.monitoring.lease_s


@dataclass(slots=True)
class Hub:
    """The hub's own process: everything a use case may touch."""

    store: Store
    clock: Clock
    ids: Ids
    randomness: Randomness
    signer: Signer
    seal: Seal
    installation: str
    version: str
    uid: int
    shelf: Shelf
    live: Live = field(default_factory=Live)
    fleet: Fleet | None = None
    opa: Asker = field(default_factory=OpaServer)

    @property
    def mode(self) -> Mode:
        return self.live.mode

    def require(self, verb: Verb, *, host: str = "") -> None:
        """Raise Degraded unless the mode in force permits the verb."""
        mode = self.mode
        if not permits(mode, host, verb):
            where = f" on {host}" if host else ""
            raise Degraded(
                f"the hub is {mode.spoken}{where}: {mode.reason or 'no reason given'}",
                hint=f"{verb} works again when the mode is normal; see `agentctl status`",
            )

    def fleet_or_none(self) -> Fleet | None:
        """Return the applied fleet; None before the first apply."""
        return self.fleet
