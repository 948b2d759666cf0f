"""Whose a model token is: the task and attempt that it was handed out with, from its own container alone.

Identity comes first, then whether it is current: only who was given a token learns anything of its task.
"""

from agentctl.errors import Conflict, Unauthenticated
from agentctl.identity.tokens import ModelToken
from agentctl.model.instance import Instance
from agentctl.model.task import LIVE, Task
from agentctl.service.context import Hub
from agentctl.store import Txn, instances
from agentctl.store import tasks as task_table


def holder_of(hub: Hub, txn: Txn, token: str, container: str) -> tuple[Task, Instance]:
    """Return the task whose current attempt has this token, and the container that works on it.

    `container` is where the kernel says that the token comes from.

    Raises Unauthenticated (no token of ours, or from another container), Conflict (the attempt
    is no longer current).
    """
    said = hub.seal.opened(token)
    if said is None:
        raise Unauthenticated("no model token, or not one of this hub's")
    instance = instances.get(txn, said.instance)
    if instance is None or not instance.speaks_from(container):
        raise Unauthenticated("this model token works from its own container only")
    return _current(txn, said, instance), instance


def _current(txn: Txn, said: ModelToken, instance: Instance) -> Task:
    task = task_table.get(txn, said.task)
    held = task.lease if task and task.state in LIVE and instance.alive else None
    if task is None or held is None or (held.attempt, held.instance) != (said.attempt, instance.id):
        raise Conflict(
            f"attempt {said.attempt} of {said.task} is no longer current",
            hint="stop working on it",
        )
    return task
