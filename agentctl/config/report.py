"""Findings as people and their tools read them: text with a caret, JSON, GitHub, SARIF."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from agentctl.config.finding import Finding, Severity
from agentctl.config.kinds import KINDS
from agentctl.config.masking import masked_line
from agentctl.model.annotation import Annotation, Spot, workflow_commands

QUOTED_FROM_CHARS_MAX = 8192  # a longer line isn't quoted: looking for secrets in it takes too long
LINE_CHARS_MAX = 160  # of a quoted source line; a longer one is cut around the caret
# A budget's `tokens` are a number, or a template that makes one.
_MAY_HOLD_SECRET = re.compile(
    r"(?i)(?!tokens:\s*[\"']?(\d|\{\{))(api_?key|token|secret|passw)\w*[\"']?\s*[:=]\s*[^\s{[]"
)
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def text(findings: Sequence[Finding], sources: Mapping[str, str], _prefix: str = "") -> str:
    """Return findings for a terminal: place and message, the line with a caret, what to do."""
    blocks = ["\n".join(_block(each, sources)) for each in findings]
    return "\n\n".join([*blocks, summary(findings)]) if blocks else summary(findings)


def summary(findings: Sequence[Finding]) -> str:
    """Return the closing line."""
    errors = sum(each.severity is Severity.ERROR for each in findings)
    warnings = len(findings) - errors
    if not findings:
        return "The project is valid."
    counted = [_count(errors, "error"), _count(warnings, "warning")]
    return f"{' and '.join(each for each in counted if each)}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}" if number else ""


def _block(finding: Finding, sources: Mapping[str, str]) -> list[str]:
    lines = [f"{finding}  [{finding.rule}]"]
    lines += _quoted(finding, sources)
    if finding.path:
        lines.append(f"  at: {finding.path}")
    if finding.expected and finding.expected not in finding.message:
        lines.append(f"  expected: {finding.expected}")
    if finding.found and finding.found.strip("'") not in finding.message:
        lines.append(f"  found: {finding.found}")
    if finding.suggestion:
        lines.append(f"  hint: {finding.suggestion}")
    return lines


@lru_cache(maxsize=1)  # findings come file by file, and a file may have a thousand
def _lines(text: str) -> list[str]:
    return text.splitlines()


def _quoted(finding: Finding, sources: Mapping[str, str]) -> list[str]:
    """Return the source line and a caret under the column; nothing where a secret may stand."""
    if not finding.line or finding.secret:
        return []
    lines = _lines(sources.get(finding.file, ""))
    if finding.line > len(lines):
        return []
    if len(lines[finding.line - 1]) > QUOTED_FROM_CHARS_MAX:
        return []
    line, column = masked_line(lines[finding.line - 1], finding.column - 1)
    start = max(0, column - LINE_CHARS_MAX // 2) if column > LINE_CHARS_MAX // 2 else 0
    if _MAY_HOLD_SECRET.search(lines[finding.line - 1]):
        return []
    line = line[start : start + LINE_CHARS_MAX]
    shown = "".join(each if each.isprintable() else " " for each in line)
    gutter = f"{finding.line:>5} | "
    return [f"{gutter}{shown}".rstrip(), f"{' ' * (len(gutter) - 2)}| {' ' * (column - start)}^"]


def document(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as one JSON document: `valid`, counts, and each finding's fields."""
    errors = sum(each.severity is Severity.ERROR for each in findings)
    return {
        "valid": not errors,
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": [
            {
                "rule": each.rule,
                "severity": each.severity.value,
                "message": each.message,
                "file": each.file,
                "line": each.line,
                "column": each.column,
                "path": each.path,
                "expected": each.expected,
                "found": each.found,
                "suggestion": each.suggestion,
            }
            for each in findings
        ],
    }


def as_json(findings: Sequence[Finding], _sources: Mapping[str, str], _prefix: str = "") -> str:
    """Return the JSON document as text."""
    return json.dumps(document(findings), indent=2, ensure_ascii=False)


def github(findings: Sequence[Finding], _sources: Mapping[str, str], prefix: str = "") -> str:
    """Return workflow commands that GitHub shows as annotations on the lines of a pull request."""
    return "\n".join(workflow_commands(_annotation(each, prefix) for each in findings))


def _annotation(finding: Finding, prefix: str) -> Annotation:
    line, column = max(1, finding.line), max(1, finding.column)
    return Annotation(
        level=finding.severity.value,
        title=finding.rule,
        message=_with_hint(finding),
        spot=Spot(file=prefix + finding.file, line=line, column=column) if finding.file else None,
    )


def _with_hint(finding: Finding) -> str:
    return f"{finding.message}; {finding.suggestion}" if finding.suggestion else finding.message


def sarif(findings: Sequence[Finding], _sources: Mapping[str, str], prefix: str = "") -> str:
    """Return a SARIF 2.1.0 log, as code-scanning services take it."""
    rules = sorted({each.rule for each in findings})
    log = {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "agentctl", "rules": [{"id": each} for each in rules]}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, rules.index(each.rule), prefix) for each in findings],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _result(finding: Finding, rule: int, prefix: str) -> dict[str, Any]:
    region = {"startLine": max(1, finding.line), "startColumn": max(1, finding.column)}
    place = {
        "physicalLocation": {
            "artifactLocation": {
                "uri": quote(prefix + (finding.file or KINDS[0].place), safe="/,")
            },
            "region": region,
        }
    }
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": _with_hint(finding)},
        "locations": [place],
    }


# Findings, the texts of their files, and what leads from the repository's top to the project.
FORMATS: Mapping[str, Callable[[Sequence[Finding], Mapping[str, str], str], str]] = {
    "text": text,
    "json": as_json,
    "github": github,
    "sarif": sarif,
}
