"""The life of a task: one table of states and events, leases, and what each event does to the record."""

from agentctl.tasks.life import TRANSITIONS, Impossible, next_state
from agentctl.tasks.steps import (
    accept,
    cancel,
    complete,
    expire,
    fail,
    hold,
    lease,
    put_off,
    queue,
    renew,
    resume,
    time_out,
    withdraw,
)

__all__ = [
    "TRANSITIONS",
    "Impossible",
    "accept",
    "cancel",
    "complete",
    "expire",
    "fail",
    "hold",
    "lease",
    "next_state",
    "put_off",
    "queue",
    "renew",
    "resume",
    "time_out",
    "withdraw",
]
