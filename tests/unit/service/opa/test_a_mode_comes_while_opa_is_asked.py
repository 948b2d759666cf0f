"""An order that comes while OPA is asked counts: what it forbids isn't done when the answer is there."""

from collections.abc import Callable

import pytest

from agentctl.errors import Degraded
from agentctl.model.mode import Mode, ModeName
from agentctl.model.task import NewTask
from agentctl.service import instances
from agentctl.service.declassify import declassify
from agentctl.service.submit import submit
from agentctl.store import instances as instance_table
from agentctl.store import journal
from tests.fakes.fleet import OPERATORS_DISPATCH, THINKER, fleet
from tests.fakes.talk import Talker, at_work
from tests.unit.service.conftest import ADMIN
from tests.unit.service.opa.conftest import HOLDER, Narrowed, call
from tests.unit.service.test_declassifying import ADMINS_DECLASSIFY
from tests.unit.service.test_delegating import delegate
from tests.unit.service.test_egress import Held, declared


def panic(at: Narrowed) -> None:
    """Have panic ordered while the next question is out."""

    def ordered() -> None:
        at.hub.live.mode = Mode(name=ModeName.PANIC, reason="leak")

    at.opa.meanwhile = ordered


def seq(at: Narrowed) -> int:
    with at.hub.store.read() as txn:
        return journal.head(txn).seq


def refused_when_it_comes(at: Narrowed, act: Callable[[], object]) -> None:
    before = seq(at)
    panic(at)
    asked = len(at.opa.asked)
    with pytest.raises(Degraded, match="in panic"):
        act()
    assert len(at.opa.asked) > asked
    assert seq(at) == before


def test_no_container_is_reserved(at: Narrowed) -> None:
    at.apply(fleet(HOLDER, THINKER))
    refused_when_it_comes(at, lambda: at.reserve("researcher"))
    with at.hub.store.read() as txn:
        assert list(instance_table.all(txn)) == []


def test_no_secret_is_handed_to_one_that_was_reserved(at: Narrowed) -> None:
    at.apply(fleet(HOLDER, THINKER))
    reserved = at.reserve("researcher")["instance"]
    refused_when_it_comes(at, lambda: instances.bind(at.hub, reserved, "container-1"))


def test_no_model_is_called(worker: Talker, at: Narrowed) -> None:
    refused_when_it_comes(at, lambda: call(worker))


def test_no_tunnel_is_opened(at: Narrowed) -> None:
    at.apply(declared())
    held = Held(at)
    refused_when_it_comes(at, held.opens)


def test_nothing_is_submitted_or_declassified(at: Narrowed) -> None:
    at.apply(fleet(access=(OPERATORS_DISPATCH, ADMINS_DECLASSIFY)))
    task = submit(at.hub, NewTask(prompt="x", sensitivity="confidential"), ADMIN)[0].id
    refused_when_it_comes(at, lambda: submit(at.hub, NewTask(prompt="x"), ADMIN))
    at.hub.live.mode = Mode()
    at.opa.meanwhile = lambda: None
    refused_when_it_comes(at, lambda: declassify(at.hub, task, ADMIN, to="public", why="x"))


def test_nothing_is_said_or_delegated(office: Narrowed) -> None:
    lead = at_work(office, "lead")
    refused_when_it_comes(office, lambda: lead.request("developer"))
    office.hub.live.mode = Mode()
    office.opa.meanwhile = lambda: None
    refused_when_it_comes(office, lambda: delegate(lead, agent="helper"))
