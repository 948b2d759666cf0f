"""The client against a server that evaluates the sample Rego, and against one that behaves badly."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from agentctl.model.decision import Question
from agentctl.opa import Allowed, Answer, Denied, NoAnswer, OpaServer
from agentctl.opa.breaker import FAILURES_MAX, REST_S
from agentctl.opa.line import ASKING_MAX
from tests.fakes.opa import OpaStandIn, opa_server

SUBMIT = Question(verb="task.submit", principal="operator:ada", target="agent:a", level="internal")
FROZEN = replace(SUBMIT, labels=(("freeze", "true"),))
LATE_S = 0.15  # more than the timeout, for a machine that is busy


@pytest.fixture
def server() -> Iterator[OpaStandIn]:
    with opa_server() as running:
        yield running


@pytest.fixture
def client() -> Iterator[OpaServer]:
    made = OpaServer()
    yield made
    made.close()


def why(answer: Answer) -> str:
    assert isinstance(answer, NoAnswer), answer
    return answer.why


def test_the_policy_allows_and_refuses(server: OpaStandIn, client: OpaServer) -> None:
    where = server.settings()
    assert client.ask(where, SUBMIT, generation=3) == Allowed()
    assert client.ask(where, FROZEN, generation=3) == Denied(
        reason="frozen work is given to nobody"
    )
    assert [each["generation"] for each in server.asked] == [3, 3]


def test_a_connection_is_used_again(server: OpaStandIn, client: OpaServer) -> None:
    for _ in range(10):
        client.ask(server.settings(), SUBMIT, generation=1)
    assert server.connections == 1


@pytest.mark.parametrize("manner", ["impatient", "once"])
def test_a_connection_that_the_server_closed_costs_nothing(
    server: OpaStandIn, client: OpaServer, manner: str
) -> None:
    server.manner = manner
    for _ in range(5):
        assert client.ask(server.settings(), SUBMIT, generation=1) == Allowed()


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ("undefined", "leaves the decision undefined"),
        ("garbage", "not JSON"),
        ("twice", "not JSON"),
        ("huge", "over 65536 bytes"),
        ("redirect", "status 307"),
        ("accepted", "status 202"),
        ("error", "status 500"),
        ("text", "neither true nor false"),
        ("one", "neither true nor false"),
        ("bare", "neither true nor false"),
        ("closes", "without an answer"),
    ],
)
def test_what_is_no_yes_is_no_answer(
    server: OpaStandIn, client: OpaServer, manner: str, words: str
) -> None:
    server.manner = manner
    assert words in why(client.ask(server.settings(), SUBMIT, generation=1))


def test_a_redirect_is_not_followed(server: OpaStandIn, client: OpaServer) -> None:
    server.manner = "redirect"
    client.ask(server.settings(), SUBMIT, generation=1)
    assert len(server.asked) == 1


def test_what_is_not_http_is_no_answer(client: OpaServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = OpaStandIn(port=other.getsockname()[1]).settings(timeout_s=1.0)

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail\r\n")
                connection.recv(65536)

        greeting = threading.Thread(target=greet)
        greeting.start()
        assert "not HTTP" in why(client.ask(where, SUBMIT, generation=1))
        greeting.join()


@pytest.mark.parametrize("manner", ["drip", "drip-headers"])
def test_a_slow_drip_ends_with_the_timeout(
    server: OpaStandIn, client: OpaServer, manner: str
) -> None:
    server.manner = manner
    began = time.monotonic()
    assert why(client.ask(server.settings(), SUBMIT, generation=1)) == "it doesn't answer in time"
    assert time.monotonic() - began < 0.25 + LATE_S


def test_a_slow_answer_is_none_and_the_next_in_time_counts(
    server: OpaStandIn, client: OpaServer
) -> None:
    server.delay_s = 0.3
    where = server.settings(timeout_s=0.1)
    assert "in time" in why(client.ask(where, SUBMIT, generation=1))
    server.delay_s = 0.0
    assert client.ask(where, SUBMIT, generation=1) == Allowed()


def test_nobody_there_is_no_answer_at_once(client: OpaServer) -> None:
    with opa_server() as gone:
        where = gone.settings()
    assert "can't be reached" in why(client.ask(where, SUBMIT, generation=1))


def test_a_server_that_takes_connections_and_says_nothing(client: OpaServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = OpaStandIn(port=silent.getsockname()[1]).settings(timeout_s=0.1)
        began = time.monotonic()
        assert "in time" in why(client.ask(where, SUBMIT, generation=1))
        assert time.monotonic() - began < 0.1 + LATE_S


def test_after_failures_in_a_row_it_is_not_asked_for_a_while(
    server: OpaStandIn, client: OpaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.manner = "error"
    where = server.settings()
    for _ in range(FAILURES_MAX):
        client.ask(where, SUBMIT, generation=1)
    server.manner = "allow"
    assert "isn't asked for a moment" in why(client.ask(where, SUBMIT, generation=1))
    assert len(server.asked) == FAILURES_MAX
    now = time.monotonic()
    monkeypatch.setattr("agentctl.opa.server.clock", lambda: now + REST_S)
    assert client.ask(where, SUBMIT, generation=1) == Allowed()
    assert client.ask(where, SUBMIT, generation=1) == Allowed()


def test_an_undefined_decision_keeps_no_other_from_being_asked(
    server: OpaStandIn, client: OpaServer
) -> None:
    server.manner = "undefined"
    for _ in range(2 * FAILURES_MAX):
        client.ask(server.settings(), SUBMIT, generation=1)
    server.manner = "allow"
    assert client.ask(server.settings(), SUBMIT, generation=1) == Allowed()


def test_other_settings_begin_anew(server: OpaStandIn, client: OpaServer) -> None:
    server.manner = "error"
    for _ in range(FAILURES_MAX):
        client.ask(server.settings(), SUBMIT, generation=1)
    with opa_server() as other:
        assert client.ask(other.settings(), SUBMIT, generation=1) == Allowed()


def test_no_more_ask_at_once_than_the_bound(server: OpaStandIn, client: OpaServer) -> None:
    server.delay_s = 0.05
    where = server.settings(timeout_s=2.0)
    with ThreadPoolExecutor(3 * ASKING_MAX) as pool:
        answers = list(
            pool.map(lambda _: client.ask(where, SUBMIT, generation=1), range(3 * ASKING_MAX))
        )
    assert set(answers) == {Allowed()}
    assert server.at_once_most <= ASKING_MAX


def test_a_token_is_shown_and_a_new_one_counts_at_once(
    server: OpaStandIn, client: OpaServer, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    where = server.settings(token_file=str(file))
    file.write_text("first-token\n")
    server.token = "first-token"
    assert client.ask(where, SUBMIT, generation=1) == Allowed()
    server.token = "second-token"
    assert why(client.ask(where, SUBMIT, generation=1)) == "it answers with status 401"
    file.write_text("second-token\n")
    assert client.ask(where, SUBMIT, generation=1) == Allowed()


@pytest.mark.parametrize("held", [None, b"", b"two words", b"a\r\nX: y", b"\xff", b"x" * 20_000])
def test_without_a_token_nothing_is_asked_and_no_file_is_named(
    server: OpaStandIn, client: OpaServer, tmp_path: Path, held: bytes | None
) -> None:
    file = tmp_path / "token"
    if held is not None:
        file.write_bytes(held)
    words = why(client.ask(server.settings(token_file=str(file)), SUBMIT, generation=1))
    assert "token" in words
    assert str(tmp_path) not in words
    assert server.asked == []


def test_a_pipe_in_the_tokens_place_holds_nobody(
    server: OpaStandIn, client: OpaServer, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "token")
    where = server.settings(token_file=str(tmp_path / "token"))
    assert "holds none" in why(client.ask(where, SUBMIT, generation=1))


def test_no_proxy_is_taken_from_the_environment(
    server: OpaStandIn, client: OpaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert client.ask(server.settings(), SUBMIT, generation=1) == Allowed()


def test_a_name_that_isnt_resolved_in_time_is_no_answer(
    server: OpaStandIn, client: OpaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(5) or [])
    where = server.settings(url=f"http://localhost:{server.port}", timeout_s=0.1)
    began = time.monotonic()
    assert "in time" in why(client.ask(where, SUBMIT, generation=1))
    assert time.monotonic() - began < 0.1 + LATE_S
    released.set()


def test_in_clear_text_only_this_machine_is_asked(
    server: OpaStandIn, client: OpaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.1", 1))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    where = server.settings(url=f"http://localhost:{server.port}")
    assert "nowhere that may be asked" in why(client.ask(where, SUBMIT, generation=1))
