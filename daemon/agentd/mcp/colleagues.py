"""The agents that the model may reach, a line each, in views of bounded size."""

from typing import Any

from agentd.mail import PART_CHARS

NOBODY = "There is nobody that you may message or give tasks to."
_ACTS = {"request": "ask it", "delegate": "delegate to it"}

Row = dict[str, Any]


def listed(rows: list[Row], after: str = "") -> str:
    """Return the agents past the name `after`, in the order of their names, as many as fit."""
    if not rows:
        return NOBODY
    due = sorted((each for each in rows if _name(each) > after), key=_name)
    if not due:
        return f"There is nobody past {after[:60]!r}."
    lines: list[str] = []
    chars = 0
    for row in due:
        line = _colleague(row)
        chars += len(line) + 1
        if lines and chars > PART_CHARS:
            left = len(due) - len(lines)
            lines.append(f'{left} more: call list_agents with after="{_name(due[-left - 1])}".')
            break
        lines.append(line)
    return "\n".join(lines)


def _name(row: Row) -> str:
    return str(row.get("name"))


def _colleague(row: Row) -> str:
    may = ", ".join(_ACTS.get(str(each), str(each)) for each in row.get("may", ()))
    said = f"{_name(row)}: can do {', '.join(row.get('capabilities', ())) or 'anything plain'}"
    labels = ", ".join(f"{key}={value}" for key, value in dict(row.get("labels", {})).items())
    topics = ", ".join(row.get("topics", ()))
    extra = [
        f"you may {may}",
        f"labels {labels}" if labels else "",
        f"hears {topics}" if topics else "",
    ]
    return f"{said}; {'; '.join(each for each in extra if each)}"
