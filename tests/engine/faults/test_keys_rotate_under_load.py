"""Signing keys change while agents talk to a real hub: nobody is refused for it, and old keys go."""

import os
import threading
from collections.abc import Iterator

import pytest

from agentctl.client import Hub
from agentctl.errors import AgentctlError
from agentctl.model.digest import plain, spec_hash
from agentctl.web.peer import container_of
from tests.fakes.fleet import PRIVATE, RESEARCHER, fleet
from tests.fakes.hub_process import HubProcess, hub_process

ROTATIONS = 5
AGENTS = 6


@pytest.fixture
def hub() -> Iterator[HubProcess]:
    with hub_process() as process:
        process.start()
        body = {"desired": plain(fleet()), "expected": 0, "commit": "", "prune": False}
        process.operator.post("/api/hub/generations", body)
        yield process


def instance_token(hub: HubProcess) -> str:
    reconciler = Hub(str(hub.paths.reconciler_socket))
    place = {"agent": "researcher", "host": "local", "replica": 0, "generation": 1}
    wanted = {**place, "spec": spec_hash(RESEARCHER, PRIVATE)}
    instance = reconciler.post("/api/hub/instances", wanted)["instance"]
    here = {"container": container_of(os.getpid(), None)}
    boot = reconciler.post(f"/api/hub/instances/{instance}/bind", here)["boot"]
    return str(boot["instance_token"])


def all_alive(threads: list[threading.Thread]) -> bool:
    return all(each.is_alive() for each in threads)


def test_no_request_is_refused_over_rotations_and_a_restart(hub: HubProcess) -> None:
    token = instance_token(hub)
    refused: list[str] = []
    asked = [0] * AGENTS
    over = threading.Event()

    def agent(number: int) -> None:
        client = Hub(str(hub.paths.hub_socket))
        svid = ""
        while not over.is_set():
            try:
                if asked[number] % 7 == 0:
                    bearer = {"Authorization": f"Bearer {token}"}
                    svid = str(client.post("/api/hub/svid", {}, headers=bearer)["svid"])
                polls = Hub(str(hub.paths.hub_socket), token=svid)
                polls.get("/api/hub/messages?wait=0&slots=0")
                polls.close()
            except AgentctlError as why:
                if why.status != 429:
                    refused.append(str(why))
            asked[number] += 1

    threads = [threading.Thread(target=agent, args=(each,), daemon=True) for each in range(AGENTS)]
    for each in threads:
        each.start()
    kids = set()
    for _ in range(ROTATIONS):
        before = sum(asked)
        while sum(asked) < before + 20 * AGENTS and not refused and all_alive(threads):
            over.wait(0.01)
        found = hub.operator.post("/api/hub/keys", {})
        kids.add(next(each["kid"] for each in found["keys"] if each["signs"]))
    over.set()
    for each in threads:
        each.join(20)
    assert refused == []
    assert len(kids) == ROTATIONS
    hub.kill()
    hub.start()
    again = hub.operator.get("/api/hub/keys")["keys"]
    assert len(again) == ROTATIONS + 1
    assert next(each["kid"] for each in again if each["signs"]) in kids
    bundle = hub.operator.get("/.well-known/spiffe-bundle")["keys"]
    assert {each["kid"] for each in bundle} == {each["kid"] for each in again}
