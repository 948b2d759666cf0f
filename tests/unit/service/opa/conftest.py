"""A hub at hand whose rules a real OPA server narrows, and who works there."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agentctl.model.decision import Decision
from agentctl.model.fleet import DesiredState, Secret, Source, SourceKind
from agentctl.service import model_calls
from agentctl.store import decisions, instances
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.fakes.opa import OpaStandIn, opa_server
from tests.fakes.talk import AGENTS_TALK, DEVELOPER, WRITER, Talker, at_work, talkers
from tests.fakes.watched_opa import WatchedOpa, with_opa
from tests.unit.service.conftest import HubAtHand
from tests.unit.service.test_delegating import AGENTS_DELEGATE, HELPER, LEAD

FROZEN = (("freeze", "true"),)
KEY = Secret(name="key", source=Source(kind=SourceKind.FILE, name="/etc/key"))
HOLDER = replace(RESEARCHER, secrets=(KEY,))


class Narrowed(HubAtHand):
    """A hub at hand whose rules a real OPA server narrows."""

    def __init__(self, at: HubAtHand, server: OpaStandIn) -> None:
        super().__init__(at.hub, at.clock)
        self.server = server
        self.opa = WatchedOpa()
        self.opa.watch(self.hub)

    def apply(self, desired: DesiredState, **given: Any) -> dict[str, Any]:
        return super().apply(with_opa(desired, self.server.settings()), **given)


@pytest.fixture
def at(bare: HubAtHand) -> Iterator[Narrowed]:
    with opa_server() as server:
        yield Narrowed(bare, server)


def decision(at: HubAtHand, decision_id: str | None) -> Decision:
    """Return what stands on record."""
    with at.hub.store.read() as txn:
        found = decisions.get(txn, decision_id or "")
    assert found is not None
    return found.decision


@pytest.fixture
def office(at: Narrowed) -> Narrowed:
    at.apply(
        talkers(LEAD, HELPER, DEVELOPER, WRITER, THINKER, rules=(AGENTS_TALK, AGENTS_DELEGATE))
    )
    return at


def call(worker: Talker) -> dict[str, Any]:
    at = worker.at
    with at.hub.store.read() as txn:
        instance = instances.get(txn, worker.who.instance)
    assert instance is not None
    token = at.hub.seal.model_token(worker.task, worker.attempt, instance.id)
    body = {"token": token, "container": instance.container, "provider": "ollama"}
    return model_calls.open_call(at.hub, {**body, "path": "/v1/messages", "model": "qwen3"})


@pytest.fixture
def worker(at: Narrowed) -> Talker:
    at.apply(fleet())
    return at_work(at, "researcher")


def asked_about_calls(at: Narrowed) -> list[int]:
    return [number for number, question in at.opa.asked if question.verb == "model.call"]
