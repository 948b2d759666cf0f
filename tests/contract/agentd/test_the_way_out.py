"""The port to declared destinations: there for an agent with egress, with the attempt's own token."""

import socket
import threading
from base64 import b64decode
from pathlib import Path

import pytest

from tests.fakes.agentd_process import boot_document, command, running
from tests.fakes.hub_for_agentd import HubForAgentd, model_token, violations

ASKS = """
import os, urllib.request
try:
    urllib.request.urlopen("https://github.com/", timeout=5)
except OSError as error:
    print(error)
"""
NAMES = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")


class Egress:
    """Stands for the egress proxy's socket: keeps each head, and refuses."""

    def __init__(self, path: Path) -> None:
        self.heads: list[bytes] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _ = self._listener.accept()
            with client:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(4096)
                self.heads.append(head)
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def egress(folder: Path) -> Egress:
    return Egress(folder / "egress.sock")


def test_a_program_asks_through_the_door_with_its_attempts_token(
    hub: HubForAgentd, folder: Path, egress: Egress
) -> None:
    way = str(folder / "egress.sock")
    with running(hub, folder, executor=command("python3", "-c", ASKS), egress_socket=way):
        task = hub.give()
        text = hub.wait_for_message("task.completed")["payload"]["text"]
    assert "403 Forbidden" in text
    [head] = egress.heads
    lines = head.decode().split("\r\n")
    assert lines[0].startswith("CONNECT github.com:443 HTTP/1.")
    [credential] = [each for each in lines if each.lower().startswith("proxy-authorization")]
    given = b64decode(credential.rpartition(" ")[2]).decode()
    assert given == f"task:{model_token(task, 1)}"


def test_the_model_is_reached_past_the_proxy_and_the_token_leaves_in_no_result(
    hub: HubForAgentd, folder: Path
) -> None:
    way = str(folder / "egress.sock")
    with running(hub, folder, executor=command("env"), egress_socket=way):
        hub.give()
        text = hub.wait_for_message("task.completed")["payload"]["text"]
    found = dict(line.partition("=")[::2] for line in text.splitlines())
    assert found["HTTPS_PROXY"] == found["https_proxy"]
    assert found["HTTPS_PROXY"].startswith("http://task:[the model token]@127.0.0.1:")
    assert found["NO_PROXY"] == found["no_proxy"] == "127.0.0.1,localhost"
    assert "HTTP_PROXY" not in found


def test_without_egress_there_is_no_proxy(hub: HubForAgentd, folder: Path) -> None:
    with running(hub, folder, executor=command("env")):
        hub.give()
        text = hub.wait_for_message("task.completed")["payload"]["text"]
    assert not [name for name in NAMES if f"{name}=" in text]


def test_with_the_proxy_away_a_program_is_told(hub: HubForAgentd, folder: Path) -> None:
    way = str(folder / "egress.sock")
    with running(hub, folder, executor=command("python3", "-c", ASKS), egress_socket=way):
        hub.give()
        text = hub.wait_for_message("task.completed")["payload"]["text"]
    assert "503 Service Unavailable" in text


def test_the_boot_document_of_an_agent_with_egress_meets_its_schema(folder: Path) -> None:
    assert (
        violations("boot", boot_document(folder, egress_socket="/run/agentctl/egress.sock")) == []
    )
