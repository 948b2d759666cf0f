"""Over TLS the certificate must be for the provider's name, whatever address it was resolved to."""

import datetime
import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agentctl.demo.script import Answer
from agentctl.demo.standin import Standin
from agentctl.errors import CallCut, UpstreamFailed, UpstreamSlow
from agentctl.providers import exchange
from agentctl.providers.address import Target
from agentctl.providers.exchange import Exchange

NAME = "model.example"
BODY = b'{"model": "m", "stream": true, "messages": []}'


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for NAME; return the paths of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(minutes=5))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    """A stand-in behind TLS, its certificate trusted."""
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    exchange._tls.cache_clear()
    with Standin(name="tls", tls=context) as standin:
        yield standin
    exchange._tls.cache_clear()


def target(model: Standin, host: str = NAME, *addresses: str) -> Target:
    return Target(
        scheme="https",
        host=host,
        port=int(model.url.rpartition(":")[2]),
        path="",
        addresses=addresses or ("127.0.0.1",),
    )


def asked(call: Exchange) -> tuple[int, dict[str, str]]:
    return call.ask("/v1/messages", BODY, {"host": NAME, "content-type": "application/json"})


def read_all(call: Exchange) -> None:
    while call.read():
        pass


def test_the_name_is_checked_though_the_address_was_connected_to(model: Standin) -> None:
    with Exchange(target(model), name="p") as call:
        assert asked(call)[0] == 200
        assert call.read().startswith(b"event: message_start")
    assert model.requests[0].headers["host"] == NAME


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_a_certificate_for_another_name_ends_it_before_anything_is_sent(
    model: Standin, host: str
) -> None:
    with Exchange(target(model, host), name="p") as call, pytest.raises(UpstreamFailed):
        asked(call)
    assert model.requests == ()


def test_a_certificate_that_nobody_trusts_ends_it_before_anything_is_sent(
    model: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    exchange._tls.cache_clear()
    with Exchange(target(model), name="p") as call, pytest.raises(UpstreamFailed):
        asked(call)
    assert model.requests == ()


def test_the_next_address_is_tried_when_one_does_not_answer(model: Standin) -> None:
    unused = str(ipaddress.ip_address("127.0.0.1") + 200)
    with Exchange(target(model, NAME, unused, "127.0.0.1"), name="p") as call:
        assert asked(call)[0] == 200


def test_a_read_in_progress_is_cut_from_another_thread(model: Standin) -> None:
    model.answer = lambda request: Answer(text="endless", gate=threading.Event())
    with Exchange(target(model), name="p") as call:
        asked(call)
        threading.Timer(0.1, call.cut, ("no longer wanted",)).start()
        began_s = time.monotonic()
        with pytest.raises(CallCut, match="no longer wanted"):
            read_all(call)
        assert time.monotonic() - began_s < 5


def test_a_provider_that_falls_silent_is_too_slow(model: Standin) -> None:
    model.answer = lambda request: Answer(text="endless", gate=threading.Event())
    with Exchange(target(model), name="p", read_timeout_s=0.2) as call:
        asked(call)
        with pytest.raises(UpstreamSlow):
            read_all(call)


def test_no_proxy_is_taken_from_the_environment(
    model: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Exchange(target(model), name="p") as call:
        assert asked(call)[0] == 200
