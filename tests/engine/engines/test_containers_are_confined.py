"""On a real Docker Engine: what a container may do, what can be read of it, whose it is."""

import io
import json
import re
import socket
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import docker
import pytest

from agentctl.engine.violations import violations
from agentctl.errors import EngineRefused
from agentctl.model.fleet import Executor, ExecutorKind, Lifecycle
from tests.engine.engines.rigs import Rig

pytestmark = pytest.mark.engine
CANARY = "canary-5f1c8e-do-not-leak"


@pytest.fixture
def client(docker_url: str) -> Iterator[Any]:
    made = docker.DockerClient(base_url=docker_url)
    yield made
    made.close()


def test_what_the_engine_reports_is_within_the_baseline(docker_rig: Rig, client: Any) -> None:
    for lifecycle in Lifecycle:
        container = docker_rig.run(docker_rig.birth(agent=lifecycle.value, lifecycle=lifecycle))
        inspect = client.api.inspect_container(container)
        assert violations(inspect) == []
        assert inspect["HostConfig"]["Memory"] == inspect["HostConfig"]["MemorySwap"] == 256 << 20
        assert inspect["HostConfig"]["PidsLimit"] == 64


def test_inside_there_is_no_privilege_and_no_network_and_agentd_is_pid_1(docker_rig: Rig) -> None:
    text = docker_rig.prints(docker_rig.run(docker_rig.birth(), "status"), "networks")
    assert "CapEff: 0000000000000000" in text
    assert "CapBnd: 0000000000000000" in text
    assert "NoNewPrivs: 1" in text
    assert "Seccomp: 2" in text
    assert "Uid: 10001 10001 10001 10001" in text
    assert "pid 1" in text.splitlines()
    assert "networks lo" in text.splitlines()


def test_only_the_workspace_and_the_tmpfs_take_writes(docker_rig: Rig) -> None:
    tried = ["/etc/x", "/x", "/run/agentctl/x", "/workspace/x", "/tmp/x", "/run/secrets/x"]
    container = docker_rig.run(docker_rig.birth(), *(f"write:{path}" for path in tried))
    text = docker_rig.prints(container, "/run/secrets/x")
    assert [line for line in text.splitlines() if line.startswith("wrote")] == [
        "wrote /workspace/x",
        "wrote /tmp/x",
        "wrote /run/secrets/x",
    ]


def test_the_hubs_socket_is_reached_through_the_read_only_door_also_after_it_is_made_anew(
    docker_rig: Rig,
) -> None:
    path = docker_rig.paths.hub_socket
    container = docker_rig.engine.create(docker_rig.birth())  # the hub is not up yet
    with socket.socket(socket.AF_UNIX) as hub:
        hub.bind(str(path))
        path.chmod(0o666)
        hub.listen()
        hub.settimeout(20)
        answer = threading.Thread(target=lambda: hub.accept()[0].sendall(b"welcome"))
        answer.start()
        docker_rig.engine.start(container, docker_rig.boot(docker_rig.birth(), "hub"))
        assert "hub said welcome to 10001" in docker_rig.prints(container, "hub said")
        answer.join(20)


def test_a_secret_stands_nowhere_that_can_be_read_from_outside(
    docker_rig: Rig, client: Any
) -> None:
    container = docker_rig.run(
        docker_rig.birth(), "environment", "secret:token", secrets={"token": CANARY}
    )
    printed = docker_rig.prints(container, "secret kept")
    api = client.api
    layer = io.BytesIO(b"".join(api.export(container)))
    with tarfile.open(fileobj=layer) as files:
        assert "run/secrets/token" not in files.getnames()
    image = api.inspect_image(docker_rig.image)
    for place in (
        json.dumps(api.inspect_container(container)),
        json.dumps(api.containers(filters={"id": container})),
        json.dumps(image) + json.dumps(api.history(docker_rig.image)),
        printed,
        layer.getvalue().decode(errors="replace"),
    ):
        assert CANARY not in place
    assert "environment HOME LANG PATH" in printed.replace("HOSTNAME ", "")


def test_a_large_boot_document_arrives_whole(docker_rig: Rig) -> None:
    container = docker_rig.run(docker_rig.birth(), padding="x" * (1 << 20))
    assert "booted inst-1" in docker_rig.prints(container, "booted")


def test_how_a_container_ended_is_seen(docker_rig: Rig) -> None:
    container = docker_rig.run(docker_rig.birth(), "exit:3")
    assert docker_rig.exits(container).exit_code == 3


def test_a_deaf_container_is_killed_after_its_grace(docker_rig: Rig) -> None:
    container = docker_rig.run(docker_rig.birth(), "deaf")
    docker_rig.prints(container, "deaf")
    docker_rig.engine.stop(container, 1.0)
    assert docker_rig.exits(container).exit_code == 137


def test_a_kept_workspace_outlives_its_container(docker_rig: Rig) -> None:
    first = docker_rig.run(docker_rig.birth(instance="inst-1"), "keep:note")
    docker_rig.prints(first, "kept note")
    docker_rig.engine.remove(first)
    second = docker_rig.run(docker_rig.birth(instance="inst-2"), "kept:note")
    assert "found inst-1" in docker_rig.prints(second, "found")


def test_an_ephemeral_workspace_is_memory_and_nothing_is_kept(docker_rig: Rig, client: Any) -> None:
    container = docker_rig.run(docker_rig.birth(lifecycle=Lifecycle.EPHEMERAL), "keep:note")
    docker_rig.prints(container, "kept note")
    inspect = client.api.inspect_container(container)
    assert [each["Destination"] for each in inspect["Mounts"]] == ["/run/agentctl"]
    names = [each.name for each in client.volumes.list()]
    assert f"{docker_rig.fleet}-dev-1" not in names


def test_a_foreign_container_of_our_name_is_left_alone(docker_rig: Rig, client: Any) -> None:
    foreign = client.containers.create(docker_rig.image, name=f"{docker_rig.fleet}-dev-1")
    try:
        with pytest.raises(EngineRefused, match="taken by somebody else"):
            docker_rig.engine.create(docker_rig.birth())
        with pytest.raises(EngineRefused, match="belongs to somebody else"):
            docker_rig.engine.remove(foreign.id)
        foreign.reload()
        assert foreign.status == "created"
    finally:
        foreign.remove(v=True)


def test_a_foreign_volume_of_our_name_is_not_used(docker_rig: Rig, client: Any) -> None:
    foreign = client.volumes.create(f"{docker_rig.fleet}-dev-1")
    try:
        with pytest.raises(EngineRefused, match="belongs to somebody else"):
            docker_rig.engine.create(docker_rig.birth())
        docker_rig.engine.remove_workspaces()
        assert foreign.name in [each.name for each in client.volumes.list()]
    finally:
        foreign.remove()


def test_an_image_that_brings_volumes_of_its_own_is_never_started(
    docker_rig: Rig, client: Any
) -> None:
    dockerfile = io.BytesIO(f"FROM {docker_rig.image}\nVOLUME /hidden\n".encode())
    tag = "agentctl/enginetest:with-volume"
    client.images.build(fileobj=dockerfile, tag=tag, rm=True)
    before = _unnamed_volumes(client)
    docker_rig.image = tag
    try:
        with pytest.raises(EngineRefused, match="baseline: volume mounted at /hidden"):
            docker_rig.engine.create(docker_rig.birth())
        assert docker_rig.engine.observe().containers == ()
        assert _unnamed_volumes(client) == before
    finally:
        client.images.remove(tag)


def _unnamed_volumes(client: Any) -> set[str]:
    names = {each.name for each in client.volumes.list()}
    return {name for name in names if re.fullmatch(r"[0-9a-f]{64}", name)}


def test_a_missing_image_is_refused_with_what_to_do(docker_rig: Rig) -> None:
    docker_rig.image = "agentctl/enginetest:no-such-image"
    birth = docker_rig.birth(lifecycle=Lifecycle.EPHEMERAL)
    with pytest.raises(EngineRefused, match=r"no image .*no-such-image, .*--claude FILE$"):
        docker_rig.engine.create(birth)
    messages = replace(birth.spec, executor=Executor(kind=ExecutorKind.MESSAGES_API))
    with pytest.raises(EngineRefused, match=r"build it with: agentctl image build --tag \S+$"):
        docker_rig.engine.create(replace(birth, spec=messages))


def test_a_missing_door_is_refused(docker_rig: Rig) -> None:
    docker_rig.paths.door.rmdir()
    with pytest.raises(EngineRefused, match="cannot create"):
        docker_rig.engine.create(docker_rig.birth(lifecycle=Lifecycle.EPHEMERAL))


def test_the_engine_says_what_it_is(docker_rig: Rig) -> None:
    assert docker_rig.engine.observe().engine.startswith("Docker Engine ")
