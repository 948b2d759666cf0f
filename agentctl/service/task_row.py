"""A task as the API shows it."""

from typing import Any

from agentctl.model.digest import plain
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import Task
from agentctl.service import agents_words


def task_row(task: Task, *, content: bool = True) -> dict[str, Any]:
    """Return a task's fields under their plain names; `content` False leaves out what the agent wrote."""
    routed = task.routed
    began_s, ended_s = task.started_at_s, task.finished_at_s
    result = plain(task.result) if task.result is not None and content else None
    return {
        "id": task.id,
        "state": task.state.value,
        "sensitivity": task.sensitivity,
        "declared": task.declared,
        "rule": routed.rule if routed else None,
        "agent": task.agent or None,
        "provider": routed.provider if routed else None,
        "boundary": routed.boundary if routed else None,
        "instance": task.instance or None,
        "container": task.container or None,
        "attempt": task.attempt,
        "max_attempts": task.max_attempts,
        "put_off": task.put_off,
        "held_reason": task.held_reason or None,
        "submitted_by": task.submitted_by,
        "submitted_at_s": task.submitted_at_s,
        "started_at_s": began_s,
        "finished_at_s": ended_s,
        "duration_s": round(ended_s - began_s, 3) if began_s and ended_s else None,
        "labels": dict(task.labels),
        "capabilities": list(task.capabilities),
        "priority": task.priority,
        "deadline_s": task.deadline_s,
        "timeout_s": task.timeout_s,
        "parent": task.parent,
        "depth": task.delegated.depth if task.delegated else 0,
        "retry_of": task.retry_of,
        "usage": plain(task.usage),
        "cost_usd": task.usage.cost_usd,
        "result": result,
        "error": task.error or None,
        "decision": routed.decision if routed else None,
        "generation": routed.generation if routed else None,
    }


def task_facts(task: Task, who: OperatorPrincipal) -> dict[str, Any]:
    """Return a task as lists show it to an operator: no result, and an error that may be read."""
    return task_row(task, content=False) | {"error": agents_words.error_of(task, who)}
