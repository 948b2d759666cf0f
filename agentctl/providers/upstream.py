"""What a provider is asked with, and which of its headers an agent gets to see."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum

from agentctl.model.fleet import ProviderKind

ANTHROPIC_VERSION = "2023-06-01"  # the only one there is; clients send it themselves
USER_AGENT = "agentctl-gateway"

# Headers of the client that the provider needs to see, each with what it may look like. All
# others stay here: the model token above all, and whatever else a container would smuggle out.
_FROM_CLIENT = {
    "anthropic-version": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "anthropic-beta": re.compile(r"[A-Za-z0-9._, -]{1,1024}"),
}
_TO_CLIENT = frozenset({"content-type", "request-id", "retry-after", "x-should-retry"})
_TO_CLIENT_PREFIX = "anthropic-ratelimit-"


class Operation(StrEnum):
    """The two things an agent may ask a provider for, by their path under the provider's base URL."""

    MESSAGES = "/v1/messages"
    COUNT_TOKENS = "/v1/messages/count_tokens"


def request_headers(
    kind: ProviderKind, *, key: str | None, client: Mapping[str, str], authority: str
) -> dict[str, str]:
    """Return the headers to ask with. `client` is the agent's headers, names in lower case.

    Answers are asked for uncompressed: they are passed on as they come, and read for usage.
    """
    headers = {
        "host": authority,
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT,
        "anthropic-version": ANTHROPIC_VERSION,
    }
    for name, form in _FROM_CLIENT.items():
        if form.fullmatch(client.get(name, "")):
            headers[name] = client[name]
    if key is not None:
        headers.update(_credential(kind, key))
    return headers


def answer_headers(upstream: Mapping[str, str]) -> dict[str, str]:
    """Return those of a provider's headers that go on to the agent, names in lower case.

    Cookies, the account's name and the provider's inner workings don't.
    """
    lowered = {name.lower(): value for name, value in upstream.items()}
    return {
        name: value
        for name, value in lowered.items()
        if name in _TO_CLIENT or name.startswith(_TO_CLIENT_PREFIX)
    }


def retry_after_s(value: str, *, wall_s: float) -> float | None:
    """Return the seconds that a Retry-After asks for, None where there is none (RFC 9110 §10.2.3)."""
    if value.isascii() and value.isdecimal():
        return float(value[:12])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - wall_s)
    except (ValueError, OverflowError):
        return None


def _credential(kind: ProviderKind, key: str) -> dict[str, str]:
    match kind:
        case ProviderKind.ANTHROPIC:
            return {"x-api-key": key}
        case ProviderKind.OLLAMA:  # Ollama itself has no keys; a proxy in front of one does
            return {"authorization": f"Bearer {key}"}
