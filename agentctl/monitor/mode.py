"""What each mode permits: the one function that every service asks first."""

from agentctl.model.mode import Mode, ModeName, Verb

# What each mode takes away; what isn't named goes on. Degraded is read-only: no dispatch, no new
# container, lease expiry rests; running work still reports, so that nothing finished is lost.
_FORBIDDEN = {
    ModeName.NORMAL: frozenset[Verb](),
    ModeName.DEGRADED: frozenset(
        {Verb.SUBMIT, Verb.DISPATCH, Verb.APPLY, Verb.CREATE_CONTAINER, Verb.EXPIRE_LEASE}
    ),
    ModeName.PAUSED: frozenset({Verb.DISPATCH}),
    ModeName.PANIC: frozenset(
        {
            Verb.SUBMIT,
            Verb.DISPATCH,
            Verb.MESSAGE,
            Verb.MODEL_CALL,
            Verb.EGRESS,
            Verb.APPLY,
            Verb.CREATE_CONTAINER,
        }
    ),
}

_ON_A_LOST_HOST = frozenset({Verb.DISPATCH, Verb.CREATE_CONTAINER, Verb.REMOVE_CONTAINER})


def permits(mode: Mode, host: str, verb: Verb) -> bool:
    """Whether `verb` may be done now, on `host` ("" for what concerns no host).

    An unreachable engine degrades its own host alone.
    Source: docs/decisions/0001-architecture.md.
    """
    if verb in _FORBIDDEN[mode.name]:
        return False
    return not (host in mode.hosts_down and verb in _ON_A_LOST_HOST)
