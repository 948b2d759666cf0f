"""Headers, both ways: the key goes in, the agent's own credentials and secrets of the account don't pass."""

from agentctl.model.fleet import ProviderKind
from agentctl.providers.upstream import answer_headers, request_headers

CLIENT = {
    "authorization": "Bearer mt1.task.1.secret",
    "x-api-key": "mt1.task.1.secret",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "context-1m-2025-08-07, fine-grained",
    "cookie": "c=1",
    "x-forwarded-for": "10.0.0.1",
    "user-agent": "claude-cli/2",
    "traceparent": "00-aaaa",
    "host": "127.0.0.1:9999",
}


def asked(kind: ProviderKind, key: str | None, client: dict[str, str]) -> dict[str, str]:
    return request_headers(kind, key=key, client=client, authority="api.example")


def test_anthropic_is_asked_with_the_real_key_and_nothing_of_the_agents_own() -> None:
    assert asked(ProviderKind.ANTHROPIC, "sk-real", CLIENT) == {
        "host": "api.example",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "user-agent": "agentctl-gateway",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "context-1m-2025-08-07, fine-grained",
        "x-api-key": "sk-real",
    }


def test_ollama_is_asked_without_any_credential() -> None:
    headers = asked(ProviderKind.OLLAMA, None, CLIENT)
    assert not {"authorization", "x-api-key", "cookie"} & set(headers)


def test_an_ollama_behind_a_proxy_gets_its_key_as_bearer() -> None:
    assert asked(ProviderKind.OLLAMA, "k", {})["authorization"] == "Bearer k"


def test_a_header_that_does_not_look_as_it_should_stays_here() -> None:
    headers = asked(
        ProviderKind.ANTHROPIC,
        "k",
        {"anthropic-version": "2023-06-01\n", "anthropic-beta": "x" * 2000},
    )
    assert headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in headers


def test_an_answers_headers_pass_only_when_named() -> None:
    upstream = {
        "Content-Type": "application/json",
        "Request-Id": "req_1",
        "Retry-After": "3",
        "anthropic-ratelimit-tokens-remaining": "5",
        "anthropic-organization-id": "org",
        "Set-Cookie": "a=b",
        "Location": "http://elsewhere",
        "Server": "x",
        "Transfer-Encoding": "chunked",
    }
    assert answer_headers(upstream) == {
        "content-type": "application/json",
        "request-id": "req_1",
        "retry-after": "3",
        "anthropic-ratelimit-tokens-remaining": "5",
    }
