"""/openapi.json says what the apps do, no more and no less: both come from one table."""

from types import SimpleNamespace
from typing import Any

import falcon.testing
import pytest

from agentctl.hub import (
    agents,
    agents_app,
    egress_app,
    gateway_app,
    model_calls,
    operators,
    operators_app,
    reconciler,
    reconciler_app,
    tunnels,
)
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Role
from agentctl.service import authenticate

HUB: Any = SimpleNamespace(version="1.2.3")

LISTENERS: dict[str, tuple[Any, Any]] = {
    "agents": (agents_app(HUB), agents.routes()),
    "operators by peer": (operators_app(HUB, by="peer"), operators.ROUTES),
    "operators by token": (operators_app(HUB, by="token"), operators.ROUTES),
    "reconciler": (reconciler_app(HUB), reconciler.routes()),
    "gateway": (gateway_app(HUB), model_calls.ROUTES),
    "egress": (egress_app(HUB), tunnels.ROUTES),
}


@pytest.fixture(autouse=True)
def _anyone(monkeypatch: pytest.MonkeyPatch) -> None:
    operator = OperatorPrincipal(name="uid:0", role=Role.ADMIN)
    agent = AgentPrincipal(fleet="acme", agent="a", instance="inst-01")
    monkeypatch.setattr(authenticate, "agent", lambda *_: agent)
    monkeypatch.setattr(authenticate, "operator_by_peer", lambda *_: operator)
    monkeypatch.setattr(authenticate, "operator_by_token", lambda *_: operator)


def described(name: str) -> dict[str, Any]:
    client = falcon.testing.TestClient(LISTENERS[name][0])
    result = client.simulate_get(
        "/openapi.json", headers={"Authorization": "Bearer t"}, host="localhost"
    )
    found: dict[str, Any] = result.json
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("name", LISTENERS)
def test_it_describes_every_route_and_no_other(name: str) -> None:
    document = described(name)
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == "1.2.3"
    table = {(each.method, each.path.replace(":path", "")) for each in LISTENERS[name][1]}
    assert operations(document).keys() == table


@pytest.mark.parametrize("name", LISTENERS)
def test_every_reference_leads_somewhere_within_the_document(name: str) -> None:
    document = described(name)
    known = {f"#/components/schemas/{each}" for each in document["components"]["schemas"]}
    assert references(document) <= known


@pytest.mark.parametrize("name", LISTENERS)
def test_operation_ids_are_unique_and_path_parameters_declared(name: str) -> None:
    found = operations(described(name))
    ids = [each["operationId"] for each in found.values()]
    assert len(set(ids)) == len(ids)
    for (_, path), operation in found.items():
        declared = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_over_tcp_all_but_health_metrics_and_public_keys_need_the_token() -> None:
    found = operations(described("operators by token"))
    open_paths = {path for (_, path), each in found.items() if "security" not in each}
    assert open_paths == {"/healthz", "/readyz", "/metrics", "/.well-known/spiffe-bundle"}


def test_a_refusal_is_described_as_a_problem() -> None:
    operation = operations(described("operators by token"))[("POST", "/api/hub/tasks")]
    answers = operation["responses"]
    assert answers.keys() >= {"200", "201", "400", "401", "403", "409", "413", "422", "503"}
    assert answers["422"]["content"].keys() == {"application/problem+json"}


def test_without_the_listeners_credential_there_is_no_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = falcon.testing.TestClient(LISTENERS["operators by token"][0])
    assert client.simulate_get("/openapi.json").status_code == 401
