"""Which OPA server may be asked: in clear text on this machine only, in time, without a password in its URL."""

from dataclasses import replace

import pytest

from agentctl.config.references import check
from agentctl.config.references.opa import TIMEOUT_S_MAX
from agentctl.model.fleet import Opa
from tests.fakes.fleet import fleet


def found(opa: Opa) -> list[str]:
    about = (each for each in check(replace(fleet(), opa=opa)) if each.subject[:1] == ("opa",))
    return [f"{each.rule} {each.subject[1]}" for each in about]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8181",
        "http://127.9.9.9",
        "http://localhost:8181",
        "http://[::1]:8181",
        "https://opa.lan",
        "https://10.0.0.7:8443",
    ],
)
def test_this_machine_and_tls_are_fine(url: str) -> None:
    assert found(Opa(enabled=True, url=url)) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://opa:8181",
        "http://10.0.0.7:8181",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0.0.0.0:8181",
        "http://[::]:8181",
        "http://2130706433",
        "http://0x7f.1",
    ],
)
def test_questions_dont_cross_a_network_in_clear_text(url: str) -> None:
    assert found(Opa(enabled=True, url=url)) == ["plain-http url"]


@pytest.mark.parametrize("url", ["https://ada:hunter22@opa.lan", "http://ada@127.0.0.1"])
def test_a_url_with_a_password_is_refused_and_not_repeated(url: str) -> None:
    wrong = replace(fleet(), opa=Opa(enabled=True, url=url))
    [finding] = [each for each in check(wrong) if each.subject[:1] == ("opa",)]
    assert finding.rule == "credentials-in-url"
    assert "ada" not in repr(finding)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "opa",
        "unix:///run/opa.sock",
        "http://",
        "http://127.0.0.1/v1",
        "http://[::1",
        "http://127.0.0.1:x",
    ],
)
def test_what_is_no_url_of_a_server_is_refused(url: str) -> None:
    assert found(Opa(enabled=True, url=url)) == ["bad-opa-url url"]


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, TIMEOUT_S_MAX + 0.1, float("inf"), float("nan")])
def test_a_timeout_is_within_its_bound(timeout_s: float) -> None:
    assert found(Opa(enabled=True, timeout_s=timeout_s)) == ["opa-timeout timeout"]


@pytest.mark.parametrize("path", ["", "/a", "a b", "a?x=1", "a\r\nX: y", "a\n", "a/../b"])
def test_a_path_is_a_documents(path: str) -> None:
    assert found(Opa(enabled=True, path=path)) == ["bad-pattern path"]


def test_a_server_that_nobody_asks_isnt_looked_at() -> None:
    assert found(Opa(enabled=False, url="http://opa:8181", timeout_s=99)) == []


@pytest.mark.parametrize(
    ("file", "rules"), [("", []), ("/etc/agentctl/opa", []), ("opa", ["relative-path token"])]
)
def test_a_tokens_file_is_an_absolute_path(file: str, rules: list[str]) -> None:
    assert found(Opa(enabled=True, token_file=file)) == rules
