"""A submit with OPA enabled beside one without, in the same run; for `python -m bench.policy --opa`.

Two servers stand in for OPA, each in a process of its own: one that evaluates the sample Rego
(the tests' own, Python around regopy), and one that says yes to whatever arrives: the floor, what
asking costs however fast a policy is. `python -m bench.opa MANNER` is such a server.
"""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agentctl.model.decision import Question  # noqa: E402
from agentctl.model.fleet import Opa  # noqa: E402
from agentctl.opa import Allowed, OpaServer  # noqa: E402
from bench.one_hub import serving  # noqa: E402
from bench.wire import rate, request  # noqa: E402
from tests.fakes.fleet import fleet  # noqa: E402
from tests.fakes.opa import opa_server  # noqa: E402

CLIENTS = (1, 16)
ROUNDS = 5  # of each, one after the other, so that a busy moment of the machine meets all
ASKS = 1000
YES = b'HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{"result":{"allow": true}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Submits per second, and the hub's CPU for each: the second holds on a busy machine too."""

    clients: int
    opa: str
    per_second: float
    cpu_ms: float


def submits(seconds: float) -> tuple[dict[str, float], list[Figure]]:
    """Return the milliseconds of a question, and submits without OPA, with the floor, with the sample Rego."""
    with _server("yes") as yes, _server("rego") as rego:
        asks = {"yes": _ask_ms(yes), "rego": _ask_ms(rego)}
        servers = {"without": Opa(), "yes": yes, "rego": rego}
        return asks, [each for some in CLIENTS for each in _beside(servers, some, seconds)]


def _beside(servers: dict[str, Opa], clients: int, seconds: float) -> list[Figure]:
    """Return the medians of each server's rounds."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, where in servers.items():
            found[name].append(_round(where, clients, seconds))
    return [
        Figure(
            clients=clients,
            opa=name,
            per_second=median(each for each, _ in rounds),
            cpu_ms=median(each for _, each in rounds),
        )
        for name, rounds in found.items()
    ]


def _round(where: Opa, clients: int, seconds: float) -> tuple[float, float]:
    numbers = count()

    def submit() -> bytes:
        return request("POST", "/api/hub/tasks", body={"prompt": f"do {next(numbers)}"})

    with serving(replace(fleet(), opa=where), ()) as hub:
        used = hub.cpu_s()
        per_second, done = rate(
            hub.paths.operator_socket, clients, submit, seconds=seconds, status=201
        )
        return per_second, (hub.cpu_s() - used) / done * 1000


def _ask_ms(where: Opa) -> float:
    """Return the median milliseconds of one question over a kept connection, one after the other."""
    client, took = OpaServer(), []
    asked = Question(verb="task.submit", principal="operator:a", target="agent:b", level="public")
    for _ in range(ASKS):
        began = time.perf_counter()
        assert client.ask(where, asked, generation=1) == Allowed()
        took.append(time.perf_counter() - began)
    client.close()
    return median(took) * 1000


@contextmanager
def _server(kind: str) -> Iterator[Opa]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.opa", kind], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        try:
            yield Opa(enabled=True, url=f"http://127.0.0.1:{port}", timeout_s=2.0)
        finally:
            child.kill()


def serve(kind: str) -> None:
    """Be a server until killed; its port is the one line of output."""
    if kind == "rego":
        with opa_server() as server:
            print(server.port, flush=True)
            threading.Event().wait()
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=_say_yes, args=(listener.accept()[0],), daemon=True).start()


def _say_yes(connection: socket.socket) -> None:
    """Answer each request; one fits into a read, as the client sends it in two writes at most."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    while data := connection.recv(65536):
        received += data
        if received.endswith(b"}"):
            received = b""
            connection.sendall(YES)


def show(asks: dict[str, float], figures: list[Figure]) -> None:
    """Print the figures with their ratios."""
    for name, took in asks.items():
        print(f"one question, {name}: {took:.2f} ms")
    base = {each.clients: each for each in figures if each.opa == "without"}
    for each in figures:
        than = base[each.clients]
        print(
            f"submits, {each.clients:2} clients, {each.opa:<8} {each.per_second:>7,.0f}/s"
            f" ({each.per_second / than.per_second:.2f} x without),"
            f" {each.cpu_ms:.2f} ms of the hub's CPU each ({each.cpu_ms / than.cpu_ms:.2f} x)"
        )


if __name__ == "__main__":
    serve(sys.argv[1])
