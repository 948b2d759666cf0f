"""A file as read: its value, and where each part of it stands."""

from dataclasses import dataclass, field
from typing import Any

from agentctl.config.finding import Finding, Path, Severity, dotted


@dataclass(slots=True)
class Mark:
    """Where a node begins (0-based), and the marks of what it holds.

    `keys` and `values` are those of a mapping, `items` of a sequence. Mutable and plain,
    since the reader makes one for each container of the file and no more.
    """

    line: int
    column: int
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    values: dict[str, "Mark | tuple[int, int]"] = field(default_factory=dict)
    items: "list[Mark | tuple[int, int]]" = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML file: its path in the project, its text, its value in JSON types, its marks."""

    file: str
    text: str
    value: Any
    mark: Mark | tuple[int, int]

    def position(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Return line and column (from 1) of the value at `path`, or of its key.

        A path that leads nowhere gives the last place on the way.
        """
        at = self.mark
        for depth, step in enumerate(path):
            if not isinstance(at, Mark):
                break
            last = depth == len(path) - 1
            if isinstance(step, int):
                if not 0 <= step < len(at.items):
                    break
                at = at.items[step]
            elif step not in at.values:
                break
            elif key and last:
                line, column = at.keys[step]
                return line + 1, column + 1
            else:
                at = at.values[step]
        line, column = (at.line, at.column) if isinstance(at, Mark) else at
        return line + 1, column + 1

    def finding(
        self,
        rule: str,
        message: str,
        path: Path,
        *,
        key: bool = False,
        severity: Severity = Severity.ERROR,
        expected: str = "",
        found: str = "",
        suggestion: str = "",
        secret: bool = False,
    ) -> Finding:
        """Return a finding about the value at `path` (or about its key)."""
        line, column = self.position(path, key=key)
        return Finding(
            rule=rule,
            message=message,
            severity=severity,
            file=self.file,
            line=line,
            column=column,
            path=dotted(path),
            expected=expected,
            found=found,
            suggestion=suggestion,
            secret=secret,
        )
