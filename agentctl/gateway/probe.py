"""Is a provider there, and does it take the key? Asked while it is thought away; costs and carries nothing.

One GET of a list that every server of its kind has and that no price list knows: Ollama's version,
the Messages API's models. A bare connection would say too little: what stands in front of a
provider accepts it while the server behind is down, and a revoked key shows only when it is used.
Source: docs/decisions/0032-a-provider-that-is-away.md.
"""

from collections.abc import Callable

from agentctl.errors import ConfigError, ProviderMisplaced, ProviderUnusable, UpstreamFailed
from agentctl.gateway.gateway import KeySource
from agentctl.model.away import Cause
from agentctl.model.fleet import Provider, ProviderKind
from agentctl.monitor.circuit import Trouble
from agentctl.monitor.circuit_probes import of_status
from agentctl.providers.address import Target, resolve
from agentctl.providers.exchange import Exchange
from agentctl.providers.upstream import request_headers

TIMEOUT_S = 10.0  # of connecting, and of the answer: a server under load answers its lists late
PATHS = {ProviderKind.OLLAMA: "/api/version", ProviderKind.ANTHROPIC: "/v1/models"}


def probe(
    provider: Provider, *, keys: KeySource, find: Callable[[Provider], Target] = resolve
) -> Trouble | None:
    """Return what speaks against `provider` now, None when nothing does.

    A key that can't be had is told of elsewhere; then it is asked without one.
    """
    try:
        secret = keys.key(provider)
    except ProviderUnusable:
        secret = None
    try:
        status = _ask(provider, find(provider), secret)
    except UpstreamFailed as why:
        return Trouble(cause=Cause.UNREACHABLE, why=why.why or why.detail)
    except (ConfigError, ProviderMisplaced) as why:
        return Trouble(cause=Cause.UNREACHABLE, why=why.detail)
    found = of_status(status, name=provider.name, with_key=secret is not None)
    if found is not None and found.cause is Cause.KEY:
        keys.forget(provider)  # the next probe takes the one that stands there then
    return found


def _ask(provider: Provider, target: Target, secret: str | None) -> int:
    headers = request_headers(provider.kind, key=secret, client={}, authority=target.authority)
    headers.pop("content-type")
    with Exchange(
        target, name=provider.name, read_timeout_s=TIMEOUT_S, connect_timeout_s=TIMEOUT_S
    ) as exchange:
        return exchange.look(PATHS[provider.kind], headers)
