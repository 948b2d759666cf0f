"""Whose a model token is: the task and attempt that it was handed out with, from its own container alone."""

from agentctl.errors import Conflict, Unauthenticated
from agentctl.identity import tokens
from agentctl.model.instance import Instance
from agentctl.model.task import LIVE, Task
from agentctl.service.context import Hub
from agentctl.store import Txn, instances
from agentctl.store import tasks as task_table


def holder_of(hub: Hub, txn: Txn, token: str, container: str) -> tuple[Task, Instance]:
    """Return the task whose current attempt has this token, and the container that works on it.

    Raises Unauthenticated (no token of ours, or from another container), Conflict (the attempt
    is no longer current).
    """
    task = _task_of(hub, txn, token)
    instance = instances.get(txn, task.instance)
    if instance is None or instance.container != container or not instance.container:
        raise Unauthenticated("this model token works from its own container only")
    return task, instance


def _task_of(hub: Hub, txn: Txn, token: str) -> Task:
    parsed = tokens.parse_model_token(token)
    if parsed is None:
        raise Unauthenticated("no model token, or not one of this hub's")
    task = task_table.get(txn, parsed.task)
    if task is None or task.attempt < parsed.attempt:
        raise Unauthenticated("no model token, or not one of this hub's")
    held = task.lease
    if task.state not in LIVE or held is None or held.attempt != parsed.attempt:
        raise Conflict(
            f"attempt {parsed.attempt} of {parsed.task} is no longer current",
            hint="stop working on it",
        )
    if not hub.seal.is_model_token(token, task.id, held.attempt, held.instance):
        raise Unauthenticated("no model token, or not one of this hub's")
    return task
