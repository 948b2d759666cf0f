"""Policy cases asked, and what came of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentctl.cli.deciding import CLEARANCE, Deciding
from agentctl.config.cases import Case, case_files, read_cases
from agentctl.config.files import Files
from agentctl.config.finding import Finding, Severity, did_you_mean, in_order
from agentctl.errors import NotFound
from agentctl.model.decision import Decision
from agentctl.model.fleet import DesiredState
from agentctl.policy import DEFAULT_DENY
from agentctl.policy.roles import ROLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A case with its answer; `finding` is None when that is the expected one."""

    case: Case
    decision: Decision
    finding: Finding | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All cases of some files, every finding about them, and the files' texts to quote from."""

    ran: tuple[Ran, ...]
    findings: tuple[Finding, ...]
    sources: dict[str, str]

    @property
    def failed(self) -> int:
        return sum(each.finding is not None for each in self.ran)

    @property
    def good(self) -> bool:
        return all(each.severity is not Severity.ERROR for each in self.findings)


def run_cases(project: Path, given: Sequence[Path], desired: DesiredState) -> Report:
    """Ask every case of the files. Raises NotFound when there is none to ask."""
    names = case_files(project, given)
    if not names:
        raise NotFound(
            "there are no policy tests: a rule that nothing asks about is proved by nothing",
            hint="write cases to policies/tests/*.yaml; `agentctl schema policy-test` says how",
        )
    files, deciding, ran = Files(project), Deciding.of(desired), []
    for name in names:
        ran += [_ask(each, deciding) for each in read_cases(files, name, desired)]
    failures = [each.finding for each in ran if each.finding is not None]
    findings = in_order([*files.findings, *failures])
    return Report(ran=tuple(ran), findings=findings, sources=files.sources)


def _ask(case: Case, deciding: Deciding) -> Ran:
    decision = deciding.decide(case.question)
    return Ran(case=case, decision=decision, finding=_finding(case, decision, deciding))


def _finding(case: Case, decision: Decision, deciding: Deciding) -> Finding | None:
    decided = f"{_word(decision.allowed)} by {decision.rule!r}"
    at = (*case.path, "expect")
    expected = _word(case.allowed)
    hint = f"{decision.reason}; ask `agentctl policy explain` what each rule made of it"
    if decision.allowed == case.allowed:
        if case.rule in ("", decision.rule):
            return None
        at, expected = (*case.path, "rule"), f"{expected} by {case.rule!r}"
        known = [DEFAULT_DENY, CLEARANCE, ROLES, *(each.name for each in deciding.policy.rules)]
        hint = decision.reason if case.rule in known else did_you_mean(case.rule, known)
    return case.document.finding(
        "policy-test-failed",
        f"{case.name}: expected {expected}, decided {decided}",
        at,
        expected=expected,
        found=decided,
        suggestion=hint,
    )


def summary(report: Report) -> str:
    """Return the closing line."""
    count = len(report.ran)
    said = f"{count} case{'s' if count != 1 else ''}"
    if report.good:
        return f"{said}, all decided as expected."
    unusable = sum(each.rule != "policy-test-failed" for each in report.findings)
    more = f", {unusable} other finding{'s' if unusable != 1 else ''}" if unusable else ""
    return f"{said}, {report.failed} decided otherwise{more}."


def document(report: Report, *, opa: bool) -> dict[str, Any]:
    """Return the report as JSON types; `opa`: the hub asks it too, these cases don't."""
    from agentctl.config import report as reporting

    return {
        "passed": len(report.ran) - report.failed,
        "failed": report.failed,
        "cases": [_case(each) for each in report.ran],
        "opa": {"enabled": opa, "asked": False},
        **reporting.document(report.findings),
    }


def _case(ran: Ran) -> dict[str, Any]:
    line, column = ran.case.document.position(ran.case.path)
    return {
        "name": ran.case.name,
        "passed": ran.finding is None,
        "expected": {"decision": _word(ran.case.allowed), "rule": ran.case.rule},
        "decision": _word(ran.decision.allowed),
        "rule": ran.decision.rule,
        "reason": ran.decision.reason,
        "file": ran.case.document.file,
        "line": line,
        "column": column,
    }


def _word(allowed: bool) -> str:
    return "allow" if allowed else "deny"
