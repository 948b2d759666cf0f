"""Files of policy cases: questions to the rules, each with the answer it is to give."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from agentctl.config.document import Document
from agentctl.config.files import Files
from agentctl.config.finding import Finding, Severity, did_you_mean, listed
from agentctl.config.finding import Path as DocumentPath
from agentctl.config.kinds import schema
from agentctl.model.decision import Question
from agentctl.model.fleet import DesiredState

FOLDER = "policies/tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question with what is expected of it. `rule` "" leaves open which rule decides."""

    document: Document
    path: DocumentPath
    name: str
    question: Question
    allowed: bool
    rule: str


def verbs() -> tuple[str, ...]:
    """Return the verbs that rules are about."""
    known = schema("access")["$defs"]["verb"]["enum"]
    return tuple(each for each in known if each != "*")


def case_files(project: Path, given: Collection[Path]) -> tuple[str, ...]:
    """Return the files of cases, as paths in the project where they are in it.

    A folder stands for the YAML files in it; nothing given is `policies/tests`.
    """
    files = Files(project)
    inside = project.absolute()
    found: list[str] = []
    for each in given or (project / FOLDER,):
        path = each.absolute()
        name = str(path.relative_to(inside) if path.is_relative_to(inside) else path)
        found += files.yaml_in(name) if path.is_dir() or not given else (name,)
    return tuple(dict.fromkeys(found))


def read_cases(files: Files, file: str, desired: DesiredState) -> Iterator[Case]:
    """Yield the sound cases of one file; what is wrong goes to the findings of `files`."""
    document = files.document(file, "policy-test")
    tests = document.value.get("tests") if document and isinstance(document.value, dict) else None
    if document is None or not isinstance(tests, list):
        return
    for index, raw in enumerate(tests):
        path: DocumentPath = ("tests", index)
        if not files.sound(document, path):
            continue
        wrong = list(_wrong(document, (*path, "question"), raw["question"], desired))
        files.findings.extend(wrong)
        if any(each.severity is Severity.ERROR for each in wrong):
            continue
        yield Case(
            document=document,
            path=path,
            name=raw["name"],
            question=_question(raw["question"], desired),
            allowed=raw["expect"] == "allow",
            rule=raw.get("rule", ""),
        )


def _question(raw: Mapping[str, Any], desired: DesiredState) -> Question:
    return Question(
        verb=raw["verb"],
        principal=raw["from"],
        target=raw.get("to", ""),
        level=raw.get("sensitivity", desired.routing.default),
        type=raw.get("type", ""),
        capabilities=tuple(sorted(set(raw.get("capabilities", ())))),
        labels=tuple(sorted(raw.get("labels", {}).items())),
        role=raw.get("role", ""),
        at_s=_time(raw["at"]) if "at" in raw else None,
    )


def _wrong(
    document: Document, path: DocumentPath, raw: Mapping[str, Any], desired: DesiredState
) -> Iterator[Finding]:
    """Yield names that mean nothing in this project: a question about them would prove nothing."""
    for field, what, names in (
        ("verb", "verb", verbs()),
        ("sensitivity", "level", _levels(desired)),
    ):
        if field in raw and raw[field] not in names:
            yield _unknown(document, (*path, field), what, raw[field], names)
    agents = sorted({each.name for each in desired.agents})
    for field in ("from", "to"):
        kind, _, name = raw.get(field, "").partition(":")
        if kind == "agent" and name not in agents:
            yield _unknown(document, (*path, field), "agent", name, agents, Severity.WARNING)
    if "at" in raw and _time(raw["at"]) is None:
        expected = "a day and time that there is"
        yield document.finding("bad-value", f"expected {expected}", (*path, "at"), found=raw["at"])


def _levels(desired: DesiredState) -> tuple[str, ...]:
    return desired.routing.levels


def _unknown(
    document: Document,
    path: DocumentPath,
    what: str,
    name: str,
    known: Collection[str],
    severity: Severity = Severity.ERROR,
) -> Finding:
    return document.finding(
        f"unknown-{what}",
        f"unknown {what} {name!r}",
        path,
        severity=severity,
        expected=f"one of {listed(known)}" if known else f"a declared {what}",
        found=name,
        suggestion=did_you_mean(name, known),
    )


def _time(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
