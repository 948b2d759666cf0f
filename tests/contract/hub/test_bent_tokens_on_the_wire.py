"""The tokens that attackers make, shown to a real hub on its sockets: 401, nothing learnt, nothing changed."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from agentctl.client import Hub
from agentctl.hub.bodies import schema
from agentctl.identity import Signer
from agentctl.model.digest import plain, spec_hash
from agentctl.web.peer import container_of
from tests.fakes.fleet import PRIVATE, RESEARCHER, fleet
from tests.fakes.forge import Forge
from tests.fakes.hub_process import HubProcess, hub_process

ANSWER_S_MAX = 10.0
NONE_OF_OURS = "the SVID is none of this hub's"
POLL = "GET /api/hub/messages?slots=1"
BUY = "POST /api/hub/svid"


@dataclass(frozen=True)
class Said:
    """An answer as it came over the socket."""

    status: int
    headers: Message
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Office:
    """A hub at work: a living container (this very process), and a task that waits for it."""

    hub: HubProcess
    forge: Forge
    svid: str
    instance_token: str
    task: str

    def ask(self, request: str, *headers: str) -> Said:
        """Send a request with header lines as they are, as no library would."""
        return ask(self.hub.paths.hub_socket, request, *headers)

    def stand(self) -> tuple[Any, ...]:
        """Return all that a request could have changed."""
        operator = self.hub.operator
        task = operator.get(f"/api/hub/tasks/{self.task}")
        agents = operator.get("/api/hub/agents")["agents"]
        alive = [(one["id"], one["last_seen_s"]) for each in agents for one in each["instances"]]
        journal = operator.get("/api/hub/journal", {"limit": 1})["head"]
        return task["state"], task["attempt"], alive, journal


def ask(path: Path, request: str, *headers: str) -> Said:
    body = "{}" if request.startswith("POST") else ""
    lines = [f"{request} HTTP/1.1", "Host: hub", "Connection: close", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_S_MAX)
        connection.connect(str(path))
        connection.sendall("\r\n".join([*lines, "", body]).encode("utf-8", "surrogatepass"))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return Said(answer.status, answer.headers, answer.read().decode())


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with hub_process() as hub:
        hub.start()
        body = {"desired": plain(fleet()), "expected": 0, "commit": "", "prune": False}
        hub.operator.post("/api/hub/generations", body)
        instance, token = living(hub)
        bearer = {"Authorization": f"Bearer {token}"}
        svid = Hub(str(hub.paths.hub_socket)).post("/api/hub/svid", {}, headers=bearer)["svid"]
        task = hub.operator.post("/api/hub/tasks", {"prompt": "x", "sensitivity": "confidential"})
        yield Office(hub, forge(hub, instance), str(svid), token, str(task["id"]))
        assert hub.crashes() == []


def living(hub: HubProcess) -> tuple[str, str]:
    reconciler = Hub(str(hub.paths.reconciler_socket))
    place = {"agent": "researcher", "host": "local", "replica": 0, "generation": 1}
    wanted = {**place, "spec": spec_hash(RESEARCHER, PRIVATE)}
    instance = reconciler.post("/api/hub/instances", wanted)["instance"]
    here = {"container": container_of(os.getpid(), None)}
    boot = reconciler.post(f"/api/hub/instances/{instance}/bind", here)["boot"]
    return str(instance), str(boot["instance_token"])


def forge(hub: HubProcess, instance: str) -> Forge:
    """Return a forge with the hub's own key: what it bends is wrong for no other reason."""
    signer = Signer.open(hub.paths.keys)
    [key] = [each.private for each in signer._keys]
    return Forge(key, signer.kid, "acme", "researcher", instance, time.time())


def refused(office: Office, said: Said, *tokens: str) -> dict[str, Any]:
    """Assert that an answer is a plain 401 that repeats nothing; return its problem."""
    assert said.status == 401, said.body
    assert said.headers["content-type"] == "application/problem+json"
    assert said.headers["www-authenticate"] == "Bearer"
    schema("wire/problem").check(said.json)
    assert "Traceback" not in said.body
    for part in (part for token in tokens for part in token.split(".") if len(part) > 8):
        assert part not in said.body or part == office.forge.instance
    found: dict[str, Any] = said.json
    return found


ANY_KEY = ec.generate_private_key(ec.SECP256R1())
SHAPE = Forge(ANY_KEY, "kid", "acme", "researcher", "inst-" + "1" * 26, 0.0)  # for names alone


# In a header the one is a broken request (400), the other the space that RFC 6750 allows.
ON_THE_WIRE = SHAPE.forged().keys() - {"trailing newline", "leading space"}


@pytest.mark.parametrize("name", sorted(ON_THE_WIRE))
def test_a_forged_svid_is_refused_without_a_reason(office: Office, name: str) -> None:
    bent, before = office.forge.forged()[name](), office.stand()
    found = refused(office, office.ask(POLL, f"Authorization: Bearer {bent}"), bent)
    assert found["detail"] in (
        NONE_OF_OURS,
        "this request has a credential that is no bearer token",
    )
    assert office.stand() == before


@pytest.mark.parametrize("name", SHAPE.misissued() | SHAPE.of_somebody_else())
def test_an_svid_that_this_hub_never_issues_is_refused_though_it_is_signed(
    office: Office, name: str
) -> None:
    bent = (office.forge.misissued() | office.forge.of_somebody_else())[name]()
    before = office.stand()
    refused(office, office.ask(POLL, f"Authorization: Bearer {bent}"), bent)
    assert office.stand() == before


HEADERS: dict[str, list[str]] = {
    "no header": [],
    "an empty one": ["Authorization:"],
    "no scheme": ["Authorization: {svid}"],
    "another scheme": ["Authorization: Basic {svid}"],
    "a scheme that ends alike": ["Authorization: XBearer {svid}"],
    "no space": ["Authorization: Bearer{svid}"],
    "a tab": ["Authorization: Bearer\t{svid}"],
    "a colon": ["Authorization: Bearer: {svid}"],
    "in quotes": ['Authorization: Bearer "{svid}"'],
    "two tokens": ["Authorization: Bearer {svid} {svid}"],
    "two headers": ["Authorization: Bearer {svid}", "Authorization: Bearer {svid}"],
    "a good one after a bad one": ["Authorization: Bearer x", "Authorization: Bearer {svid}"],
    "a good one before a bad one": ["Authorization: Bearer {svid}", "Authorization: Bearer x"],
    "a list": ["Authorization: Bearer {svid}, Bearer {svid}"],
    "parameters": ["Authorization: Bearer {svid}, realm=x"],
    "another header's name": ["X-Authorization: Bearer {svid}"],
    "an underscore": ["Proxy_Authorization: Bearer {svid}"],
    "a proxy's": ["Proxy-Authorization: Bearer {svid}"],
    "a forwarded one": ["X-Forwarded-Authorization: Bearer {svid}"],
    "a cookie": ["Cookie: Authorization=Bearer {svid}"],
}


@pytest.mark.parametrize("lines", HEADERS.values(), ids=HEADERS)
def test_a_good_svid_in_a_bent_header_is_refused(office: Office, lines: list[str]) -> None:
    before = office.stand()
    said = office.ask(POLL, *(each.format(svid=office.svid) for each in lines))
    refused(office, said, office.svid)
    assert office.stand() == before


@pytest.mark.parametrize("where", ["access_token", "token", "authorization", "svid"])
def test_a_token_in_the_query_is_none(office: Office, where: str) -> None:
    said = office.ask(f"{POLL}&{where}={office.svid}")
    refused(office, said, office.svid)


def test_each_credential_is_for_one_thing(office: Office) -> None:
    operator = str(
        office.hub.operator.post("/api/hub/tokens", {"name": "ops", "role": "admin", "ttl_s": 60})[
            "token"
        ]
    )
    model = f"mt1.{office.task}.1.inst-1.{'A' * 43}"
    before = office.stand()
    for request, token in (
        (POLL, office.instance_token),
        (POLL, operator),
        (POLL, model),
        (BUY, office.svid),
        (BUY, operator),
        (BUY, model),
    ):
        refused(office, office.ask(request, f"Authorization: Bearer {token}"), token)
    assert office.stand() == before


def bent_instance_tokens(token: str) -> dict[str, str]:
    prefix, instance, secret = token.split(".")
    return {
        "another secret": f"{prefix}.{instance}.{'A' * 43}",
        "a secret that is nearly right": f"{prefix}.{instance}.{secret[:-1]}{'BA'[secret[-1] == 'B']}",
        "a secret cut": token[:-1],
        "no secret": f"{prefix}.{instance}.",
        "an instance that never was": f"{prefix}.inst-{'0' * 26}.{secret}",
        "the instance in capitals": f"{prefix}.{instance.upper()}.{secret}",
        "the prefix in capitals": f"{prefix.upper()}.{instance}.{secret}",
        "an operator's prefix": f"op1.{instance}.{secret}",
        "a fourth part": f"{token}.x",
        "a path": f"{prefix}.../../{instance}.{secret}",
        "padding": f"{token}=",
    }


@pytest.mark.parametrize("name", bent_instance_tokens("it1.inst-0.secret"))
def test_a_bent_instance_token_buys_nothing(office: Office, name: str) -> None:
    token, before = bent_instance_tokens(office.instance_token)[name], office.stand()
    found = refused(office, office.ask(BUY, f"Authorization: Bearer {token}"))
    assert token.rpartition(".")[2] not in found["detail"] or not token.rpartition(".")[2]
    assert office.stand() == before


ELSEWHERE = """
import socket, sys
path, head = sys.argv[1:]
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(path)
    connection.sendall(head.encode().decode("unicode_escape").encode())
    print(connection.makefile().read())
"""


@pytest.mark.parametrize("kind", ["svid", "instance token"])
def test_a_stolen_credential_is_worth_nothing_in_another_container(
    office: Office, kind: str
) -> None:
    request, token = (POLL, office.svid) if kind == "svid" else (BUY, office.instance_token)
    kinds = "Content-Type: application/json\r\nContent-Length: 2\r\n" * (request == BUY)
    head = (
        f"{request} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n{kinds}"
        f"Authorization: Bearer {token}\r\n\r\n" + "{}" * (request == BUY)
    )
    before = office.stand()
    said = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(office.hub.paths.hub_socket), head],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    assert said.startswith("HTTP/1.1 401 ")
    assert "works from its own container only" in said
    assert office.stand() == before


def test_all_of_it_bends_what_was_good_and_the_scheme_has_no_case(office: Office) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        fresh = office.forge.good()
        said = office.ask("GET /api/hub/messages", f"Authorization: {scheme} {fresh}")
        assert (said.status, said.json) == (200, {"messages": []})
    bent = SHAPE.misissued() | SHAPE.of_somebody_else()
    assert len(ON_THE_WIRE) + len(bent) + len(HEADERS) >= 40


def test_an_svid_dies_with_its_instance(office: Office) -> None:
    """The last of this file: it ends the office's container."""
    reconciler = Hub(str(office.hub.paths.reconciler_socket))
    ended = {"state": "recycled", "reason": "gone"}
    reconciler.post(f"/api/hub/instances/{office.forge.instance}/state", ended)
    for request, token in (
        (POLL, office.svid),
        (POLL, office.forge.good()),
        (BUY, office.instance_token),
    ):
        refused(office, office.ask(request, f"Authorization: Bearer {token}"))
