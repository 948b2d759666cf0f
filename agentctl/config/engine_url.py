"""Which engines a host may name."""

from typing import Any

from agentctl.config.finding import shown
from agentctl.model.ssh import is_ssh, ssh_address

ENGINE_WORDS = "unix:///path of a Docker socket, ssh://[user@]host[:port], or process:"


def engine_wrong(url: Any) -> tuple[str, str] | None:
    """Return (rule, message) for an engine's URL that can't be used, or None."""
    if isinstance(url, str):
        if url == "process:" or (url.startswith("unix:///") and len(url) > len("unix:///")):
            return None
        if is_ssh(url):
            return _ssh_wrong(url)
        if url.startswith(("tcp://", "http://", "https://")):
            return "bad-engine", "an engine on TCP gives root to whoever reaches the port"
    return "bad-engine", f"expected {ENGINE_WORDS}; found {shown(url)}"


def _ssh_wrong(url: str) -> tuple[str, str] | None:
    try:
        ssh_address(url)
    except ValueError as why:
        return "bad-engine", f"{why}; found {shown(url)}"
    return None
