"""Which processes `serve` runs, in which order, with what environment."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentctl.client import Hub
from agentctl.errors import AgentctlError
from agentctl.paths import StatePaths
from agentctl.supervise.child import Child
from agentctl.supervise.environment import scrubbed
from agentctl.supervise.serve import Member

HUB_STOP_S = 10.0
GATEWAY_STOP_S = 10.0
EGRESS_STOP_S = 5.0
RECONCILER_STOP_S = (
    15.0  # an engine verb under way is let end: half of one is work for the next pass
)
FOLLOW_STOP_S = 5.0
PROBE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What `serve` was asked for."""

    paths: StatePaths
    project: Path
    listen: str
    names: tuple[str, ...] = ()
    follow: bool = False
    gateway_env: tuple[str, ...] = ()
    reconciler_env: tuple[str, ...] = ()


def members(serving: Serving, environ: Mapping[str, str], *, supervisor: int) -> list[Member]:
    """Return the children in their order: the hub first, and ready, since the others are its clients."""

    def child(name: str, words: Sequence[str], allowed: tuple[str, ...] = ()) -> Child:
        state = str(serving.paths.state)
        return Child(
            name,
            [sys.executable, "-m", "agentctl", "--state", state, *words],
            environ=scrubbed(environ, state=state, supervisor=supervisor, allowed=allowed),
            log=serving.paths.logs / f"{name}.log",
        )

    named = [word for each in serving.names for word in ("--name", each)]
    found = [
        Member(
            child=child("hub", ["hub", "--listen", serving.listen, *named]),
            stop_s=HUB_STOP_S,
            ready=answers(serving.paths.operator_socket),
            vital=True,
        ),
        Member(
            child=child("gateway", ["gateway"], serving.gateway_env),
            stop_s=GATEWAY_STOP_S,
        ),
        Member(child=child("egress", ["egress"]), stop_s=EGRESS_STOP_S),
        Member(
            child=child("reconciler", ["reconcile"], serving.reconciler_env),
            stop_s=RECONCILER_STOP_S,
        ),
    ]
    if serving.follow:
        follow = child("follow", ["--project", str(serving.project), "follow"])
        found.append(Member(child=follow, stop_s=FOLLOW_STOP_S, reloads=True))
    return found


def answers(socket: Path) -> Callable[[], bool]:
    """Return a probe: whether the hub on this socket says that it is alive."""
    hub = Hub(str(socket), timeout_s=PROBE_S)

    def probe() -> bool:
        try:
            hub.get("/healthz")
        except AgentctlError:
            return False
        finally:
            hub.close()
        return True

    return probe
