"""Whatever is sent to whichever route, the answer is planned: below 500, and problem details when refused."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl.hub import agents, model_calls, operators, reconciler, tunnels
from agentctl.hub.bodies import schema
from agentctl.hub.route import Route
from tests.contract.hub.conftest import Listener, Whole

TABLES: dict[str, tuple[Route[Any], ...]] = {
    "agents": agents.routes(),
    "operators": operators.ROUTES,
    "reconciler": reconciler.routes(),
    "gateway": model_calls.ROUTES,
    "egress": tunnels.ROUTES,
}
ROUTES = [(name, route) for name, table in TABLES.items() for route in table]
WITH_BODY = [(name, route) for name, route in ROUTES if route.body]

BODIES = [
    b"",
    b"null",
    b"[]",
    b"0",
    b'""',
    b"{",
    b"\xff\xfe",
    b'{"a":1,"a":2}',
    b"[" * 100_000,
    b'{"prompt":"\\ud800"}',
    b'{"prompt":NaN}',
    b'{"prompt":1e999}',
    b'{"prompt":null}',
    b'{"expected":' + b"9" * 4000 + b"}",
    json.dumps({"prompt": "\x00" * 100}).encode(),
    json.dumps({"id": "x\n", "type": "task.accepted", "task": "x", "attempt": True}).encode(),
    json.dumps({"hosts": [{"containers": {}}]}).encode(),
    json.dumps({"desired": {"fleet": []}, "expected": 0}).encode(),
    json.dumps({"desired": {}, "expected": 0, "commit": "x\ny"}).encode(),
    json.dumps({"calls": ["call-1", 1]}).encode(),
    json.dumps({"tunnels": ["tun-1", 1]}).encode(),
]
PATHS = ["", "x", "..", "%2e%2e", "%00", "%ff", "a" * 65, "a" * 600, "task-" + "0" * 26, "💥"]

Named = tuple[str, Route[Any]]


def named(each: Named) -> str:
    return f"{each[0]} {each[1].method} {each[1].path}"


def filled(route: Route[Any], value: str) -> str:
    path = route.path
    for name in ("task", "instance", "call", "tunnel"):
        path = path.replace(f"{{{name}}}", value)
    return path


def planned(listener: Listener, method: str, path: str, body: Any, bearer: str) -> None:
    result = listener.ask(method, path, body, bearer=bearer)
    assert result.status_code < 500 or result.status_code == 503, (method, path, body, result.text)
    if (
        result.status_code >= 400
        and method != "HEAD"
        and result.headers["content-type"] != "application/json"
    ):
        assert result.headers["content-type"] == "application/problem+json"
        schema("wire/problem").check(result.json)
        assert "Traceback" not in result.text


@pytest.mark.parametrize("each", WITH_BODY, ids=named)
def test_no_body_is_unplanned(whole: Whole, each: Named) -> None:
    _, svid = whole.living()
    name, route = each
    for body in BODIES:
        planned(getattr(whole, name), route.method, filled(route, "x"), body, svid)


@pytest.mark.parametrize("each", ROUTES, ids=named)
def test_no_path_or_query_is_unplanned(whole: Whole, each: Named) -> None:
    _, svid = whole.living()
    name, route = each
    listener: Listener = getattr(whole, name)
    for value in PATHS:
        planned(listener, route.method, filled(route, value), {}, svid)
    for query in ["?x", "?wait=", "?wait=nan", "?limit=-1", "?slots=٣", "?before=%00", "?after=1e3",
                  "?limit=1&limit=2", "?holds=" + "&holds=".join(["x"] * 100), "?a=%ff&b=%"]:  # fmt: skip
        planned(listener, route.method, filled(route, "x") + query, {}, svid)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"])
def test_no_method_is_unplanned(whole: Whole, name: str, method: str) -> None:
    for path in ["/", "/api/hub/messages", "/api/hub/tasks", "/nope", "/openapi.json/"]:
        planned(getattr(whole, name), method, path, None, "")


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


def bent(document: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the schema's own names and anything under them."""
    known = sorted(document.get("properties", {}))
    names = st.sampled_from(known) if known else st.text(max_size=5)
    return st.dictionaries(names, anything, max_size=len(known) + 1)


@pytest.mark.parametrize("each", WITH_BODY, ids=named)
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_no_near_miss_of_a_body_is_unplanned(
    whole: Whole, each: Named, data: st.DataObject
) -> None:
    name, route = each
    body = data.draw(bent(schema(route.body).document))
    planned(getattr(whole, name), route.method, filled(route, "inst-01"), body, "a.b.c")
