"""A kept workspace serves nobody below what it holds; an admin's recorded act alone says otherwise."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import Conflict, InputError, NotFound, Refused
from agentctl.model.fleet import AccessRule, AgentSpec, Effect, Lifecycle
from agentctl.model.instance import InstanceState
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Role
from agentctl.service import instances, quarantine, reconciling, registry, workspaces
from agentctl.store import workspaces as workspace_table
from tests.fakes.fleet import OPERATORS_DISPATCH, RESEARCHER, THINKER, fleet
from tests.fakes.talk import lines
from tests.unit.service.conftest import ADMIN, HubAtHand

ADMINS_MAY = AccessRule(
    name="admins may", effect=Effect.ALLOW, verb="declassify", principal="role:admin"
)
INTERNAL = replace(RESEARCHER, clearance="internal")
RESTRICTED = replace(RESEARCHER, clearance="restricted")
PUBLIC = replace(INTERNAL, provider="opus")
BELOW = "its workspace holds confidential work, and the container would be internal"


def apply(at: HubAtHand, *agents: AgentSpec) -> None:
    at.apply(fleet(*agents, THINKER, access=(OPERATORS_DISPATCH, ADMINS_MAY)))


@pytest.fixture
def served(bare: HubAtHand) -> HubAtHand:
    """A hub whose researcher has worked at confidential, and is gone."""
    apply(bare, RESEARCHER)
    gone(bare, bare.born("researcher"))
    return bare


def gone(at: HubAtHand, who: AgentPrincipal) -> None:
    instances.mark(at.hub, who.instance, InstanceState.RECYCLED.value, "gone")
    looked(at)


def looked(at: HubAtHand, *running: str, error: str = "") -> None:
    """Have the reconciler report what runs at replica 0 of these agents, of this installation."""
    mine = {"replica": 0, "installation": at.hub.installation, "state": "running"}
    rows = [{**mine, "agent": each, "instance": "", "id": each} for each in running]
    host = {"name": "local", "error": error, "engine": "docker", "containers": rows}
    reconciling.observed(at.hub, {"hosts": [host]})


def refused(at: HubAtHand) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reconciling.observed(at.hub, {"hosts": []})["refused"]
    return found


def lower(at: HubAtHand, to: str = "internal", who: OperatorPrincipal = ADMIN, **more: Any) -> Any:
    asked = {"replica": 0, "host": "", "to": to, "why": "read it all", **more}
    return workspaces.declassify(at.hub, who, "researcher", **asked)


def test_the_same_label_gets_it_again(served: HubAtHand) -> None:
    assert served.reserve("researcher")["workspace"] == [["confidential", "private"]]
    assert refused(served) == []


def test_a_higher_clearance_gets_it_and_it_remembers_the_highest(served: HubAtHand) -> None:
    apply(served, RESTRICTED)
    assert served.reserve("researcher")["workspace"] == [["confidential", "private"]]
    [found] = registry.agent(served.hub, "researcher", ADMIN)["workspaces"]
    assert found == {
        "host": "local",
        "replica": 0,
        "holds": "restricted",
        "labels": ["confidential", "restricted"],
    }


def test_a_lower_clearance_does_not_and_nothing_is_removed_for_it(served: HubAtHand) -> None:
    apply(served, INTERNAL)
    with pytest.raises(Conflict, match=BELOW):
        served.reserve("researcher")
    [found] = refused(served)
    assert {**found, "why": found["why"].partition(";")[0]} == {
        "host": "local",
        "agent": "researcher",
        "replica": 0,
        "why": BELOW,
    }


def test_a_narrower_boundary_does_not_either(served: HubAtHand) -> None:
    apply(served, PUBLIC, replace(RESEARCHER, name="twin"))
    with pytest.raises(Conflict, match="holds confidential work"):
        served.reserve("researcher")
    lower(served, to="public")
    assert served.reserve("researcher")["workspace"] == [["confidential", "private"]]


def test_what_a_level_was_called_once_is_never_taken_for_lower(served: HubAtHand) -> None:
    with served.hub.store.read() as txn:
        kept = workspace_table.get(txn, "researcher", "local", 0)
    assert kept is not None
    renamed = replace(kept, served=("secret-once",))
    served.hub.store.write(lambda txn: workspace_table.put(txn, renamed))
    apply(served, RESTRICTED)
    with pytest.raises(Conflict, match="holds secret-once work"):
        served.reserve("researcher")


def test_an_intent_counts_before_the_container_is_there(bare: HubAtHand) -> None:
    apply(bare, RESEARCHER)
    gone_early = bare.reserve("researcher")
    instances.mark(bare.hub, gone_early["instance"], InstanceState.RECYCLED.value, "not started")
    apply(bare, INTERNAL)
    with pytest.raises(Conflict, match=BELOW):
        bare.reserve("researcher")


def test_each_replica_has_its_own(served: HubAtHand) -> None:
    apply(served, replace(INTERNAL, replicas=2))
    assert served.reserve("researcher", replica=1)["workspace"] == []
    with pytest.raises(Conflict):
        served.reserve("researcher", replica=0)


def test_an_ephemeral_agent_keeps_none(served: HubAtHand) -> None:
    apply(served, replace(INTERNAL, lifecycle=Lifecycle.EPHEMERAL, warm=1))
    assert served.reserve("researcher")["workspace"] == []
    assert refused(served) == []


def test_declassified_it_serves_the_lower_one_and_that_is_on_record(served: HubAtHand) -> None:
    apply(served, INTERNAL)
    assert lower(served) == {
        "agent": "researcher",
        "host": "local",
        "replica": 0,
        "holds": "internal",
        "labels": ["internal"],
    }
    assert refused(served) == []
    assert served.reserve("researcher")["workspace"] == [["confidential", "private"]]
    [line] = lines(served, "workspace.declassified")
    facts = line.entry.facts
    assert (line.entry.who, line.entry.subject) == ("operator:uid:0", "local/researcher/0")
    assert (facts["from"], facts["to"], facts["why"]) == ("confidential", "internal", "read it all")
    assert line.entry.decision.startswith("dec-")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CI, Role.OPERATOR])
def test_it_takes_an_admin(served: HubAtHand, role: Role) -> None:
    with pytest.raises(Refused):
        lower(served, who=OperatorPrincipal(name="x", role=role))


def test_it_takes_a_rule_too_and_the_refusal_is_on_record(bare: HubAtHand) -> None:
    bare.apply(fleet())
    gone(bare, bare.born("researcher"))
    with pytest.raises(Refused) as why:
        lower(bare)
    assert why.value.decision_id
    [line] = lines(bare, "workspace.declassify_refused")
    assert line.entry.decision == why.value.decision_id
    [found] = registry.agent(bare.hub, "researcher", ADMIN)["workspaces"]
    assert found["holds"] == "confidential"


def test_while_a_container_writes_to_it_it_keeps_its_label(bare: HubAtHand) -> None:
    apply(bare, RESEARCHER)
    bare.born("researcher")
    with pytest.raises(Conflict, match="lives at local/researcher/0"):
        lower(bare)


def test_a_quarantined_container_that_is_not_killed_yet_still_writes_to_it(bare: HubAtHand) -> None:
    apply(bare, RESEARCHER)
    bare.born("researcher")
    looked(bare, "researcher")
    quarantine.quarantine(bare.hub, "researcher", ADMIN, why="odd")
    looks: tuple[Callable[[], None], ...] = (
        lambda: None,
        lambda: looked(bare, error="no answer"),
        lambda: looked(bare, "researcher"),
    )
    for look in looks:
        look()
        with pytest.raises(Conflict, match="nobody has seen yet that nothing writes"):
            lower(bare)
    looked(bare)
    assert lower(bare)["holds"] == "internal"


@pytest.mark.parametrize("to", ["confidential", "restricted", "secret"])
def test_only_a_lower_level_will_do(served: HubAtHand, to: str) -> None:
    with pytest.raises(InputError):
        lower(served, to=to)


def test_one_that_is_not_known_is_said_to_be_none(served: HubAtHand) -> None:
    for more in ({"replica": 7}, {"host": "elsewhere"}):
        with pytest.raises(NotFound, match="no workspace of researcher"):
            lower(served, **more)
