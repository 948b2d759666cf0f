"""Whether a provider that the demo is to use for real answers at all: asked before anything is built."""

import socket
from pathlib import Path
from typing import Any

import yaml

from agentctl.errors import Unavailable, UsageError
from agentctl.model.fleet import Provider, ProviderKind
from agentctl.providers.address import Target, resolve

CONNECT_S = 5.0  # to one address; a model on this network accepts within milliseconds


def require_reachable(sample: Path, names: tuple[str, ...]) -> None:
    """Connect to each named provider of the sample once; nothing is sent.

    Raises UsageError (no such provider), Unavailable (nobody takes the connection), and what
    refuses its address.
    """
    declared = yaml.safe_load((sample / "policies" / "providers.yaml").read_text())["providers"]
    for name in names:
        if name not in declared:
            raise UsageError(f"--provider {name}: the sample declares {', '.join(declared)}")
        provider = _provider(name, declared[name])
        if provider is not None:
            _connect(name, resolve(provider))


def _provider(name: str, declared: dict[str, Any]) -> Provider | None:
    """Return a provider as it is declared; None where that is wrong: `validate` comes next and explains it."""
    try:
        return Provider(
            name=name,
            kind=ProviderKind(declared["kind"]),
            base_url=str(declared["base_url"]),
            model=str(declared["model"]),
            boundary=str(declared["boundary"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _connect(name: str, target: Target) -> None:
    failure: OSError | None = None
    for address in target.addresses:
        try:
            socket.create_connection((address, target.port), timeout=CONNECT_S).close()
        except OSError as cause:
            failure = cause
        else:
            return
    why = "it took too long" if isinstance(failure, TimeoutError) else failure and failure.strerror
    raise Unavailable(
        f"provider {name} can't be reached at {target.origin}: {why}",
        hint=f"start it, or leave out --provider {name}: a stand-in answers then",
    ) from failure
