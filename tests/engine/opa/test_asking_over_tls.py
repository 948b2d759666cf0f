"""Over TLS the server must show a certificate for its name that this machine trusts."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl.model.decision import Question
from agentctl.model.fleet import Opa
from agentctl.opa import Allowed, Answer, NoAnswer, OpaServer, line
from tests.engine.providers.test_tls_to_a_provider import NAME, certificate
from tests.fakes.opa import OpaStandIn, opa_server

SUBMIT = Question(verb="task.submit", principal="operator:ada", target="agent:a", level="internal")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpaStandIn]:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    monkeypatch.setattr(line, "resolve", lambda *_, **__: ["127.0.0.1"])
    line._tls.cache_clear()
    with opa_server(tls=context) as running:
        yield running
    line._tls.cache_clear()


def named(server: OpaStandIn, name: str) -> Opa:
    return server.settings(url=f"https://{name}:{server.port}", timeout_s=1.0)


def ask(where: Opa) -> Answer:
    client = OpaServer()
    try:
        return client.ask(where, SUBMIT, generation=1)
    finally:
        client.close()


def test_a_trusted_certificate_for_its_name_is_asked(server: OpaStandIn) -> None:
    assert ask(named(server, NAME)) == Allowed()


def test_a_certificate_for_another_name_is_not(server: OpaStandIn) -> None:
    answer = ask(named(server, "other.example"))
    assert isinstance(answer, NoAnswer)
    assert answer.why == "TLS with it fails: CERTIFICATE_VERIFY_FAILED"
    assert server.asked == []


def test_a_certificate_that_nobody_here_trusts_is_not(
    server: OpaStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    line._tls.cache_clear()
    assert isinstance(ask(named(server, NAME)), NoAnswer)
    assert server.asked == []


def test_a_drip_ends_with_the_timeout_under_tls_too(server: OpaStandIn) -> None:
    server.manner = "drip-headers"
    answer = ask(named(server, NAME))
    assert isinstance(answer, NoAnswer)
    assert answer.why == "it doesn't answer in time"
