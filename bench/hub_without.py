"""The hub of bench.messages: bounds lifted that only a bench reaches, less one part that is named.

`python -m bench.hub_without nothing|identity|journal|record STATE`
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agentctl.hub import agents
from agentctl.messages import scope
from agentctl.service import authenticate, live, send
from bench import one_hub

UNBOUNDED = 10**9


def main() -> None:
    replaced(agents, REQUESTS_PER_S=float(UNBOUNDED), REQUESTS_BURST=UNBOUNDED)
    replaced(live, RATE_PER_S=float(UNBOUNDED), RATE_BURST=UNBOUNDED)
    replaced(scope, MESSAGES_OF_A_TASK_MAX=UNBOUNDED)
    without = {"identity": identity, "journal": journal, "record": record}.get(sys.argv[1])
    if without is not None:
        without()
    one_hub.be_the_hub(Path(sys.argv[2]))


def replaced(module: ModuleType, **by: Any) -> None:
    """Put other values under a module's names."""
    vars(module).update(by)


def identity() -> None:
    """Look at each SVID once: no digest, no record of the instance, no container after that."""
    proved: dict[str, Any] = {}
    check = authenticate.agent

    def unchecked(hub: Any, svid: str, peer: Any) -> Any:
        if svid not in proved:
            proved[svid] = check(hub, svid, peer)
        return proved[svid]

    replaced(authenticate, agent=unchecked)


def journal() -> None:
    """Write neither the journal's line of a message nor its decision."""
    replaced(send, note=lambda *_, **__: None, note_decision=lambda *_, **__: "")


def record() -> None:
    """Write nothing of a message; the commit is an empty one."""
    replaced(send, _record=lambda *_: None)


if __name__ == "__main__":
    main()
