"""What an agent says of its result, as it counts: against the task's schema, and what has arrived.

Asked before the transaction that settles the result: others wait for it, and neither a task's
schema nor a file that is here changes meanwhile.
"""

from typing import Any

from agentctl.model.principal import AgentPrincipal
from agentctl.service import artifacts, output
from agentctl.service.context import Hub
from agentctl.service.poll import holds_lease
from agentctl.store import tasks as task_table

Message = dict[str, Any]
_RESULTS = ("task.completed", "task.failed")


def as_it_counts(hub: Hub, who: AgentPrincipal, message: Message) -> Message:
    """Return a message with what is proved of it; one that isn't a result stays as it is."""
    if message["type"] not in _RESULTS:
        return message
    payload = artifacts.arrived(hub, message["task"], message["attempt"], message["payload"])
    return _against_schema(hub, who, {**message, "payload": payload})


def _against_schema(hub: Hub, who: AgentPrincipal, message: Message) -> Message:
    """Return a result whose structured output breaks its task's schema as the failure that it is."""
    if message["type"] != "task.completed":
        return message
    with hub.store.read() as txn:
        task = task_table.get(txn, message["task"])
        held = task is not None and holds_lease(task, who.instance, message["attempt"])
        body = task_table.body(txn, message["task"]) if held else None
    if body is None or body.output_schema is None:
        return message  # what isn't held is refused where it is settled, and judged nowhere
    why = output.unmet(body.output_schema, message["payload"].get("structured"), asker=who.instance)
    if not why:
        return message
    payload = {name: each for name, each in message["payload"].items() if name != "structured"}
    failed = {"reason": "no_structured_output", "detail": why, "retryable": False, "partial": True}
    return {**message, "type": "task.failed", "payload": payload | failed}
