"""Who asks: verified identities only; nothing a caller merely claims."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles of operators, and of the hub's own clients (the socket is the role)."""

    VIEWER = "viewer"
    CI = "ci"
    OPERATOR = "operator"
    ADMIN = "admin"
    GATEWAY = "gateway"
    RECONCILER = "reconciler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The other end of a connection as the kernel tells it. TCP peers have no pid or uid (-1).

    `container` is the container id the peer's process runs in ("" when in none of ours),
    or `process:<pid>:<start ticks>` for a process of the process engine.
    """

    pid: int = -1
    uid: int = -1
    gid: int = -1
    container: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPrincipal:
    """A person or a CI job. `name` is `uid:1000`, `token:deploy`; in rules it is `operator:<name>`."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPrincipal:
    """The subject of a verified SVID, tied to a live instance."""

    fleet: str
    agent: str
    instance: str

    @property
    def spiffe_id(self) -> str:
        return f"spiffe://{self.fleet}/agent/{self.agent}/{self.instance}"
