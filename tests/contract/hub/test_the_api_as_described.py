"""schemathesis reads each listener's /openapi.json and asks a real hub all that it says, and what it doesn't.

The hub is a process of its own behind its real sockets. AGENTCTL_API_REQUESTS says about how
many requests each listener gets (script/fuzz-api has the long form).
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from docker.transport.unixconn import UnixHTTPAdapter
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from agentctl.client import Hub
from agentctl.hub.bodies import schema
from agentctl.model.digest import plain, spec_hash
from agentctl.web.peer import container_of
from tests.fakes.fleet import PRIVATE, RESEARCHER, fleet
from tests.fakes.hub_process import HubProcess, hub_process

pytestmark = pytest.mark.timeout(0)  # the long form takes an hour

REQUESTS = int(os.environ.get("AGENTCTL_API_REQUESTS", "1500"))
URL = "http://hub"
ANSWER_S_MAX = 30.0
MODES = list(schemathesis.GenerationMode)


@dataclass
class Asked:
    """One listener: how it is reached, what it says of itself, and how often it answered what."""

    session: requests.Session
    description: dict[str, Any]
    answers: Counter[int] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubProcess]:
    with hub_process() as process:
        process.start()
        body = {"desired": plain(fleet()), "expected": 0, "commit": "", "prune": False}
        process.operator.post("/api/hub/generations", body)
        yield process


@pytest.fixture(scope="module")
def listeners(hub: HubProcess) -> dict[str, Asked]:
    return {
        "agents": asked(str(hub.paths.hub_socket), {"Authorization": f"Bearer {svid(hub)}"}),
        "operators": asked(str(hub.paths.operator_socket), {}),
    }


def svid(hub: HubProcess) -> str:
    """Return an SVID that works from this very process."""
    reconciler = Hub(str(hub.paths.reconciler_socket))
    place = {"agent": "researcher", "host": "local", "replica": 0, "generation": 1}
    wanted = {**place, "spec": spec_hash(RESEARCHER, PRIVATE)}
    instance = reconciler.post("/api/hub/instances", wanted)["instance"]
    here = {"container": container_of(os.getpid(), None)}
    boot = reconciler.post(f"/api/hub/instances/{instance}/bind", here)["boot"]
    token = {"Authorization": f"Bearer {boot['instance_token']}"}
    return str(Hub(str(hub.paths.hub_socket)).post("/api/hub/svid", {}, headers=token)["svid"])


def asked(socket: str, headers: dict[str, str]) -> Asked:
    session = requests.Session()
    session.trust_env = False
    session.mount(URL, UnixHTTPAdapter(socket))
    session.headers.update(headers)
    return Asked(session, session.get(f"{URL}/openapi.json", timeout=ANSWER_S_MAX).json())


@pytest.mark.parametrize("name", ["agents", "operators"])
def test_every_answer_is_one_that_the_description_names(
    hub: HubProcess, listeners: dict[str, Asked], name: str
) -> None:
    listener = listeners[name]
    described: Any = schemathesis.openapi.from_dict(listener.description)
    operations = [each.ok() for each in described.get_all_operations()]
    each_max = max(REQUESTS // (len(operations) * len(MODES)), 1)
    for operation in operations:
        for mode in MODES:
            ask_all(listener, operation, mode, each_max)
        hub.operator.post("/api/hub/mode", {"mode": "normal", "reason": "it was asked to change"})
    assert sum(listener.answers.values()) > len(operations)
    assert hub.crashes() == []


def ask_all(listener: Asked, operation: Any, mode: Any, examples_max: int) -> None:
    """Ask an operation what its description allows (positive), or what it doesn't (negative)."""

    @settings(
        max_examples=examples_max,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        database=None,
        derandomize="AGENTCTL_API_REQUESTS" not in os.environ,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if case.query and "wait" in case.query:
            case.query["wait"] = 0
        answer = case.call(base_url=URL, session=listener.session, timeout=ANSWER_S_MAX)
        listener.answers[answer.status_code] += 1
        judge(operation, answer)

    try:
        ask()
    except Unsatisfiable:
        assert mode is schemathesis.GenerationMode.NEGATIVE, "nothing that is described can be said"


def judge(operation: Any, answer: Any) -> None:
    said = f"{operation.method} {operation.path}: {answer.status_code} {answer.text[:500]}"
    status, kind = answer.status_code, answer.headers["content-type"][0]
    assert str(status) in operation.definition.raw["responses"], said
    assert status < 500 or status == 503, said
    if kind == "application/problem+json":
        schema("wire/problem").check(answer.json())
    else:
        assert status < 400 or operation.path == "/readyz", said
