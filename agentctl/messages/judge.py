"""The checks in their order: schema, scope, label. Identity comes before, journal and mailbox after."""

from agentctl.messages.label import label, too_wide
from agentctl.messages.scope import scope
from agentctl.messages.values import Delivery, Facts, Rejection, Sender
from agentctl.model.message import CheckName, Envelope


def judge(envelope: Envelope, sender: Sender, facts: Facts) -> Delivery | Rejection:
    """Return where a message goes, or the first check that refuses it. Pure: equal arguments, equal answer.

    Source: docs/decisions/0018-messages.md.
    """
    broken = schema(envelope, facts)
    if broken is not None:
        return broken
    reach = scope(envelope, sender, facts)
    if isinstance(reach, Rejection):
        return reach
    return too_wide(envelope, sender, facts, reach) or label(envelope, sender, facts, reach)


def schema(envelope: Envelope, facts: Facts) -> Rejection | None:
    """Return the refusal of an unknown kind, one not for this type, or a payload that breaks it."""
    kind = facts.kinds.get(envelope.kind)
    if kind is None:
        known = ", ".join(sorted(facts.kinds))
        return _broken("/kind", f"is no kind that is known here; there are {known}")
    if envelope.type.value not in kind.types:
        return _broken(
            "/kind", f"isn't carried by {envelope.type}; it is for {_listed(kind.types)}"
        )
    wrong = kind.wrong(envelope.payload)
    if not wrong:
        return None
    return Rejection(
        check=CheckName.SCHEMA,
        reason=f"the payload is not of kind {kind.name}, in {len(wrong)} place(s)",
        rule=f"kind {kind.name}",
        fields=wrong,
    )


def _broken(pointer: str, what: str) -> Rejection:
    return Rejection(
        check=CheckName.SCHEMA, reason=f"the kind {what}", rule="kind", fields=((pointer, what),)
    )


def _listed(types: frozenset[str]) -> str:
    return ", ".join(sorted(types))
