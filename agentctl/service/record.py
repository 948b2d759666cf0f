"""The lines that every effect writes beside itself: journal, decision, the task's own history."""

from agentctl.model.decision import Decision, Question
from agentctl.model.journal import Entry
from agentctl.model.task import FINAL, Task
from agentctl.service.context import Hub
from agentctl.store import Txn, decisions, journal, task_events

# Events of a task that prove that the fleet works; what the hub does alone (expiry) proves nothing.
MOVES = frozenset({"leased", "accepted", "completed", "failed", "failed_retryable", "put_off"})
# Events that a task's life ends with, when they leave it in a final state.
ENDS = frozenset({"completed", "failed", "dead", "cancelled", "deadline", "expired"})


def note(
    hub: Hub,
    txn: Txn,
    kind: str,
    *,
    who: str,
    subject: str = "",
    decision: str = "",
    label: str = "",
    **facts: str | int | float | bool,
) -> None:
    """Append one journal line in the transaction of its effect. Facts are short; never bodies."""
    generation = hub.fleet.generation.number if hub.fleet else 0
    entry = Entry(
        kind=kind,
        who=who,
        subject=subject,
        decision=decision,
        generation=generation,
        label=label,
        facts={key: str(value) for key, value in facts.items() if value not in ("", None)},
    )
    journal.append(txn, entry, at_s=hub.clock.wall_s())


def note_task(
    hub: Hub,
    txn: Txn,
    task: Task,
    event: str,
    *,
    who: str,
    detail: str = "",
    quoted: str = "",
    **facts: str | int,
) -> None:
    """Record an event of a task in its history and in the journal.

    `quoted` is what its agent wrote: it stands in the history in place of `detail`, and nowhere else.
    """
    if event in MOVES:
        hub.live.moved_s = hub.clock.wall_s()
    if event in ENDS and task.state in FINAL:
        hub.live.pulse.ended(task, hub.clock.wall_s())
    if task.delegated is not None and task.state in FINAL:
        hub.live.ended.add(task.id)  # one whose transaction fails is found not to have ended
    task_events.append(txn, task.id, at_s=hub.clock.wall_s(), event=event, detail=quoted or detail)
    note(
        hub,
        txn,
        f"task.{event}",
        who=who,
        subject=task.id,
        decision=task.routed.decision if task.routed else "",
        label=task.sensitivity,
        state=task.state,
        agent=task.agent,
        instance=task.instance,
        attempt=task.attempt,
        detail=detail,
        **({"parent": task.parent or ""} | facts),
    )


def note_decision(hub: Hub, txn: Txn, question: Question, decision: Decision) -> str:
    """Store a decision with the question it answers; return its id."""
    decision_id = hub.ids.new("dec")
    generation = hub.fleet.generation.number if hub.fleet else 0
    decisions.put(
        txn, decision_id, question, decision, generation=generation, at_s=hub.clock.wall_s()
    )
    return decision_id
