"""A hub in a process of its own, narrowed by an OPA server that comes and goes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agentctl.client import Hub
from agentctl.errors import EXIT_UNAVAILABLE, NoDecision, Refused
from agentctl.model.digest import plain
from agentctl.model.fleet import AccessRule, Effect, Opa
from tests.fakes.fleet import OPERATORS_DISPATCH, fleet
from tests.fakes.hub_process import HubProcess, hub_process
from tests.fakes.opa import OpaStandIn, opa_server

WITHIN_S = 20.0
DECLASSIFY = AccessRule(
    name="admins declassify", effect=Effect.ALLOW, verb="declassify", principal="role:admin"
)


@pytest.fixture
def hub() -> Iterator[HubProcess]:
    with hub_process() as running:
        running.start()
        yield running
        running.stop()
        assert running.crashes() == []


def apply(operator: Hub, where: Opa, *, expected: int = 0) -> None:
    desired = replace(fleet(access=(OPERATORS_DISPATCH, DECLASSIFY)), opa=where)
    body = {"desired": plain(desired), "expected": expected, "commit": "", "prune": False}
    operator.post("/api/hub/generations", body)


def submit(operator: Hub, **asked: Any) -> dict[str, Any]:
    return operator.post("/api/hub/tasks", {"prompt": "p", **asked})


def firing(operator: Hub) -> list[str]:
    return [each["check"] for each in operator.get("/api/hub/alerts")["alerts"]]


def task(operator: Hub, made: dict[str, Any]) -> dict[str, Any]:
    return operator.get(f"/api/hub/tasks/{made['id']}")


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end, "it didn't come to be"
        time.sleep(0.05)


def test_it_narrows_goes_away_is_an_alert_and_comes_back(hub: HubProcess) -> None:
    operator = hub.operator
    with opa_server() as server:
        where = server.settings()
        apply(operator, where)
        assert submit(operator)["state"] == "queued"
        with pytest.raises(Refused, match="OPA refuses: frozen work is given to nobody"):
            submit(operator, labels={"freeze": "true"})
        secret = submit(operator, sensitivity="restricted", labels={"approved-by": "ada"})
        at_once = f"/api/hub/tasks/{secret['id']}/declassify"
        with pytest.raises(Refused, match="step by step"):
            operator.post(at_once, {"to": "public", "why": "w"})
    with pytest.raises(NoDecision, match="no answer from OPA: it can't be reached") as why:
        submit(operator)
    assert (why.value.status, why.value.exit_code) == (503, EXIT_UNAVAILABLE)
    until(lambda: "opa" in firing(operator))
    with opa_server(port=server.port):
        until(lambda: "opa" not in firing(operator))
        assert submit(operator)["state"] == "queued"


def test_what_waited_before_opa_was_asked_is_held_until_it_answers(hub: HubProcess) -> None:
    operator = hub.operator
    apply(operator, Opa())
    waiting = submit(operator)
    gone = OpaStandIn(port=_free_port())
    apply(operator, gone.settings(), expected=1)
    until(lambda: task(operator, waiting)["state"] == "held")
    assert task(operator, waiting)["held_reason"].startswith("no answer from OPA: ")
    with opa_server(port=gone.port):
        until(lambda: task(operator, waiting)["state"] == "queued")


def _free_port() -> int:
    with opa_server() as server:
        return server.port
