"""On a real engine, the kernel says which container a connection comes from."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import pytest

from agentctl.web.servers import unix_server
from tests.engine.web.wire import echo

pytestmark = pytest.mark.engine

SHOW = """
import socket
for _ in range(2):
    s = socket.socket(socket.AF_UNIX); s.connect("/run/agentctl/s")
    s.sendall(b"GET / HTTP/1.0\\r\\nHost: hub\\r\\n\\r\\n")
    print(s.makefile().read().splitlines()[-1])
"""


@pytest.fixture
def client(docker_url: str) -> Iterator[Any]:
    made = docker.DockerClient(base_url=docker_url)
    yield made
    made.close()


def test_a_connection_from_a_container_carries_its_id_and_uid(
    client: Any, agent_image: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    server = unix_server(echo, tmp_path / "s", mode=0o666, threads=2)
    server.run_in_thread()
    container = client.containers.create(
        agent_image,
        entrypoint=["python3", "-c", SHOW],
        name=f"agentctl-web-{uuid4().hex[:8]}",
        user="10001:10001",
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        volumes={str(tmp_path): {"bind": "/run/agentctl", "mode": "ro"}},
    )
    try:
        container.start()
        assert container.wait(timeout=60)["StatusCode"] == 0, container.logs().decode()
        seen = [json.loads(line) for line in container.logs().splitlines()]
    finally:
        container.remove(force=True)
        server.close()
    assert [each["container"] for each in seen] == [container.id, container.id]
    assert {each["uid"] for each in seen} == {10001}
