"""A line of the journal: who did what to whom, decided how; never a body."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be recorded. `kind` is a dotted verb (`task.submitted`); `facts` are short strings.

    `facts` never holds a prompt, a result, a token or a secret.
    """

    kind: str
    who: str
    subject: str = ""
    decision: str = ""
    generation: int = 0
    label: str = ""
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry in its place: `hash` is SHA-256 over the canonical line without `hash`; `previous` chains it."""

    seq: int
    at_s: float
    entry: Entry
    previous: str
    hash: str
