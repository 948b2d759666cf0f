"""Projects with mistakes, and what `agentctl validate` says of them, word for word.

Each folder of `cases/` holds changed files over the sample project and `findings.txt`.
After a change of words that is meant: AGENTCTL_GOLDEN=write pytest tests/golden/config
"""

import os
import shutil
from pathlib import Path

import pytest

from agentctl import resources
from agentctl.config import load
from agentctl.config.finding import Finding, Severity
from agentctl.config.report import FORMATS, text

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())


def over_the_sample(case: Path, project: Path) -> Path:
    for name in ("inventory.yaml", "playbooks", "policies"):
        source = resources.root() / name
        if source.is_dir():
            shutil.copytree(source, project / name)
        else:
            shutil.copy(source, project / name)
    ignored = shutil.ignore_patterns("findings.txt")
    shutil.copytree(case, project, dirs_exist_ok=True, ignore=ignored)
    return project


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_findings_are_as_written_down(case: Path, tmp_path: Path) -> None:
    expected = case / "findings.txt"
    loaded = load(over_the_sample(case, tmp_path))
    assert (loaded.desired is None) == bool(loaded.errors)
    said = text(loaded.findings, loaded.sources) + "\n"
    if os.environ.get("AGENTCTL_GOLDEN") == "write":
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["json", "github", "sarif"])
def test_findings_for_tools_are_as_written_down(form: str) -> None:
    errors = [
        Finding(
            rule="unknown-provider",
            message="unknown provider 'a%b'",
            file="playbooks/a,b.yaml",
            line=3,
            column=5,
            path="[0].agents[0].provider",
            expected="one of x",
            found="a%b",
            suggestion="did you mean 'ab'?",
        ),
        Finding(rule="missing-file", message="policies/routing.yaml is missing"),
    ]
    warnings = [
        Finding(rule="no-agents", message="no agent is declared", severity=Severity.WARNING)
    ]
    expected = Path(__file__).parent / f"findings.{form}"
    said = FORMATS[form]([*warnings, *errors], {}, "fleets/a/") + "\n"
    if os.environ.get("AGENTCTL_GOLDEN") == "write":
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_repeats_a_password_that_stands_in_a_url(form: str, tmp_path: Path) -> None:
    case = next(each for each in CASES if each.name == "credentials-in-urls")
    loaded = load(over_the_sample(case, tmp_path))
    said = FORMATS[form](loaded.findings, loaded.sources, "")
    assert "***@api.anthropic.com" in said
    assert "hunter2" not in said
