"""Who gets a tunnel to where, what is written down of it, and when it has to end."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import (
    Conflict,
    Degraded,
    NoDecision,
    Refused,
    Throttled,
    Unauthenticated,
)
from agentctl.model.fleet import AccessRule, DesiredState, Destination, Effect
from agentctl.model.mode import Mode, ModeName
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import NewTask, Task
from agentctl.service import quarantine, tunnels
from agentctl.service.live import TUNNELS_BURST, TUNNELS_LONG_PER_S
from agentctl.service.poll import poll
from agentctl.service.rate import Rate
from agentctl.service.submit import submit
from agentctl.store import decisions, instances, journal
from tests.fakes.fleet import OPERATORS_DISPATCH, RESEARCHER, ROUTING, THINKER, fleet
from tests.fakes.opa import opa_server, refusing
from tests.fakes.watched_opa import WatchedOpa, with_opa
from tests.unit.service.conftest import ADMIN, HubAtHand

GITHUB = Destination(
    name="github", hosts=(("github.com", 443), ("api.github.com", 443)), boundary="public"
)
CACHE = Destination(
    name="cache", hosts=(("cache", 3128),), boundary="private", networks=("10.0.0.0/8",)
)
WEB = replace(THINKER, egress=("github",))


def declared(
    *agents: Any, destinations: tuple[Destination, ...] = (GITHUB, CACHE), **more: Any
) -> DesiredState:
    return replace(fleet(*(agents or (RESEARCHER, WEB)), **more), destinations=destinations)


class Held:
    """A container at work, and its task's model token."""

    def __init__(
        self,
        at: HubAtHand,
        agent: str = "thinker",
        *,
        level: str = "internal",
        container: str = "",
    ) -> None:
        self.at = at
        self.who: AgentPrincipal = at.born(agent, container=container)
        self.task: Task = submit(
            at.hub, NewTask(prompt="x", agent=agent, sensitivity=level), ADMIN
        )[0]
        given = poll(at.hub, self.who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
        self.token = given[0]["payload"]["model_token"]
        with at.hub.store.read() as txn:
            found = instances.get(txn, self.who.instance)
        assert found is not None
        self.container = found.container

    def opens(self, host: str = "github.com", port: int = 443, **bent: Any) -> dict[str, Any]:
        body = {"token": self.token, "container": self.container, "host": host, "port": port}
        return tunnels.open_tunnel(self.at.hub, {**body, **bent})

    def tunnel(self) -> str:
        return str(self.opens()["tunnel"])

    def current(self, tunnel: str) -> bool:
        return tunnels.current(self.at.hub, [tunnel]) == [tunnel]


def lines(at: HubAtHand, kind: str) -> list[dict[str, str]]:
    """Return the journal's lines of a kind: who, subject, decision, label and the facts."""
    with at.hub.store.read() as txn:
        entries = [each.entry for each in journal.read(txn)]
    return [
        {"who": e.who, "subject": e.subject, "decision": e.decision, "label": e.label, **e.facts}
        for e in entries
        if e.kind == kind
    ]


@pytest.fixture
def held(bare: HubAtHand) -> Held:
    bare.apply(declared())
    return Held(bare)


def test_a_declared_destination_is_opened_and_its_line_says_who_reached_what(held: Held) -> None:
    opened = held.opens()
    assert (opened["destination"], opened["networks"]) == ("github", [])
    [line] = lines(held.at, "egress.opened")
    number = opened["tunnel"].partition(".")[0]
    decision = line.pop("decision")
    assert line == {
        "who": held.who.instance,
        "subject": held.task.id,
        "label": "internal",
        "destination": "github",
        "host": "github.com:443",
        "boundary": "public",
        "attempt": "1",
        "tunnel": number,
    }
    with held.at.hub.store.read() as txn:
        kept = decisions.get(txn, decision)
    assert kept is not None
    assert kept.decision.reason == (
        "agent:thinker declares egress to github, and internal may cross boundary public"
    )


def test_the_token_stands_in_no_line(held: Held) -> None:
    held.opens()
    with pytest.raises(Unauthenticated):
        held.opens(container="f" * 64)
    with pytest.raises(Refused):
        held.opens("evil.example")
    with held.at.hub.store.read() as txn:
        assert held.token not in repr(list(journal.read(txn)))


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("evil.example", 443),
        ("github.com", 22),
        ("www.github.com", 443),
        ("github.com.evil.example", 443),
        ("cache", 3128),
        ("127.0.0.1", 8700),
    ],
)
def test_what_the_agent_does_not_declare_is_refused_and_recorded(
    held: Held, host: str, port: int
) -> None:
    with pytest.raises(Refused) as refused:
        held.opens(host, port)
    assert refused.value.rule == "undeclared"
    [line] = lines(held.at, "egress.refused")
    assert line["host"] == f"{host}:{port}"
    assert line["decision"] == refused.value.decision_id
    assert line["why"] == f"thinker declares no destination with {host}:{port}"


def test_an_agent_without_egress_reaches_nothing(held: Held) -> None:
    other = Held(held.at, "researcher", level="confidential")
    with pytest.raises(Refused, match="declares no destination"):
        other.opens()


def test_the_token_works_from_its_own_container_alone(held: Held) -> None:
    for container in ("f" * 64, ""):
        with pytest.raises(Unauthenticated, match="own container"):
            held.opens(container=container)
    assert len(lines(held.at, "egress.refused")) == 2


@pytest.mark.parametrize("token", ["", "mt1.task-x.1." + "a" * 43, "it1.inst-1." + "a" * 43])
def test_what_is_no_token_of_an_attempt_is_refused(held: Held, token: str) -> None:
    with pytest.raises(Unauthenticated):
        held.opens(token=token)


def test_a_superseded_attempt_opens_nothing_and_its_tunnels_end(held: Held) -> None:
    tunnel = held.tunnel()
    assert held.current(tunnel)
    held.at.hub.store.write(lambda txn: _expire(held.at, txn, held.who.instance))
    assert not held.current(tunnel)
    with pytest.raises(Conflict, match="no longer current"):
        held.opens()


def _expire(at: HubAtHand, txn: Any, instance_id: str) -> None:
    from agentctl.service.instances import expire_leases

    instance = instances.get(txn, instance_id)
    assert instance is not None
    expire_leases(at.hub, txn, instance, "gone")


def test_a_label_above_the_boundary_is_refused_though_the_files_let_it_slip(
    held: Held,
) -> None:
    """As if a generation had come past the finding: the container's label is what counts."""
    tunnel = held.tunnel()
    narrower = replace(ROUTING, boundaries=(("public", "public"), ("private", "restricted")))
    fleet_now = held.at.hub.fleet
    assert fleet_now is not None
    slipped = replace(fleet_now.generation, desired=declared(RESEARCHER, WEB, routing=narrower))
    held.at.hub.fleet = type(fleet_now).of(slipped)
    with pytest.raises(Refused) as refused:
        held.opens()
    assert (refused.value.rule, refused.value.detail) == (
        "boundary",
        "internal may not cross boundary public",
    )
    assert not held.current(tunnel)


def test_a_tunnel_carries_the_higher_of_the_tasks_label_and_the_containers(held: Held) -> None:
    held.opens()
    public = Held(held.at, "researcher", level="public")  # its container is a confidential one
    with pytest.raises(Refused):
        public.opens()
    assert lines(held.at, "egress.refused")[0]["label"] == "confidential"


@pytest.mark.parametrize(
    "after",
    [
        declared(RESEARCHER, THINKER),
        declared(destinations=(replace(GITHUB, hosts=(("api.github.com", 443),)), CACHE)),
        declared(destinations=(replace(GITHUB, boundary="private"), CACHE)),
        declared(destinations=(replace(GITHUB, networks=("10.0.0.0/8",)), CACHE)),
        declared(RESEARCHER, replace(WEB, name="other")),
    ],
    ids=["egress", "host", "boundary", "networks", "agent"],
)
def test_a_generation_that_takes_it_back_ends_the_tunnel(held: Held, after: DesiredState) -> None:
    tunnel = held.tunnel()
    held.at.apply(after)
    assert not held.current(tunnel)


def test_a_generation_that_changes_something_else_leaves_the_tunnel(held: Held) -> None:
    tunnel = held.tunnel()
    more = replace(GITHUB, hosts=(*GITHUB.hosts, ("codeload.github.com", 443)))
    held.at.apply(declared(RESEARCHER, replace(WEB, replicas=2), destinations=(more, CACHE)))
    assert held.current(tunnel)


def test_what_is_declared_after_its_birth_is_for_the_next_container(held: Held) -> None:
    open_to_all = replace(WEB, egress=("cache", "github"))
    held.at.apply(declared(RESEARCHER, open_to_all))
    with pytest.raises(Refused) as refused:
        held.opens("cache", 3128)
    assert refused.value.rule == "birth"
    assert held.opens()["destination"] == "github"


def test_a_deny_of_every_verb_takes_egress_back(held: Held) -> None:
    deny = AccessRule(
        name="thinker is out", effect=Effect.DENY, verb="*", principal="agent:thinker"
    )
    tunnel = held.tunnel()
    held.at.apply(declared(access=(OPERATORS_DISPATCH, deny)))
    with pytest.raises(Refused) as refused:
        held.opens()
    assert refused.value.rule == "thinker is out"
    assert not held.current(tunnel)


def test_panic_opens_nothing_and_ends_what_is_open(held: Held) -> None:
    tunnel = held.tunnel()
    held.at.hub.live.mode = Mode(name=ModeName.PANIC, reason="leak")
    with pytest.raises(Degraded):
        held.opens()
    assert not held.current(tunnel)


def test_an_agent_in_quarantine_opens_nothing_and_its_tunnels_end(held: Held) -> None:
    tunnel = held.tunnel()
    quarantine.quarantine(held.at.hub, held.who.agent, ADMIN, why="a leak")
    assert not held.current(tunnel)
    with pytest.raises(Conflict, match="no longer current"):
        held.opens()


def test_what_egress_never_had_granted_is_not_current(held: Held) -> None:
    tunnel = held.tunnel()
    parts = tunnel.split(".")
    forged = ["", "x", tunnel + ".x", ".".join([*parts[:4], "0" * 16])]
    forged += [".".join([*parts[:2], "2", *parts[3:]]), ".".join([*parts[:2], "x", *parts[3:]])]
    assert tunnels.current(held.at.hub, [*forged, tunnel]) == [tunnel]


def test_an_end_is_written_once_with_what_went_through(held: Held) -> None:
    tunnel = held.tunnel()
    end = {"ended": "done", "bytes_out": 10, "bytes_in": 2000, "duration_s": 1.5}
    for _ in range(2):
        assert tunnels.closed(held.at.hub, tunnel, end) == {}
    assert tunnels.closed(held.at.hub, "tun-1", end) == {}
    [line] = lines(held.at, "egress.closed")
    assert {key: line[key] for key in end} == {
        "ended": "done",
        "bytes_out": "10",
        "bytes_in": "2000",
        "duration_s": "1.5",
    }


def test_an_end_because_of_its_address_is_a_refusal(held: Held) -> None:
    end = {"ended": "refused", "why": "not public", "bytes_out": 0, "bytes_in": 0, "duration_s": 0}
    tunnels.closed(held.at.hub, held.tunnel(), end)
    assert lines(held.at, "egress.refused")[0]["why"] == "not public"


def test_refusals_of_one_container_are_bounded_in_the_journal(held: Held) -> None:
    for _ in range(50):
        tunnels.refused(
            held.at.hub, {"container": held.container, "target": "x:1", "why": "spelling"}
        )
    assert len(lines(held.at, "egress.refused")) == 20


def test_a_container_that_opens_tunnels_in_a_loop_is_throttled(held: Held) -> None:
    for _ in range(TUNNELS_BURST):
        held.opens()
    with pytest.raises(Throttled):
        held.opens()
    held.at.clock.advance(60)
    held.opens()


def test_one_that_keeps_to_that_pace_for_hours_does_not_fill_the_journal(held: Held) -> None:
    assert TUNNELS_LONG_PER_S * 86_400 < 10_000
    held.at.hub.live.tunnels_long = Rate(per_s=TUNNELS_LONG_PER_S, burst=20)
    for _ in range(20):
        held.opens()
    held.at.clock.advance(1)
    with pytest.raises(Throttled):
        held.opens()
    held.at.clock.advance(1 / TUNNELS_LONG_PER_S)
    held.opens()


def test_opa_may_refuse_a_destination_that_is_declared(bare: HubAtHand) -> None:
    with opa_server() as server:
        WatchedOpa().watch(bare.hub)
        bare.apply(with_opa(declared(), server.settings()))
        held = Held(bare)
        held.opens()
        server.rego = refusing("destination:github")
        with pytest.raises(Refused, match="OPA refuses: not to this one"):
            held.opens()
    assert lines(bare, "egress.refused")[0]["why"].startswith("OPA refuses")
    with pytest.raises(NoDecision):
        held.opens()
