"""How long things are kept is declared in policies/monitoring.yaml, bounded and in order."""

from pathlib import Path

import pytest

from agentctl.config import load
from agentctl.model.fleet import Retention
from agentctl.resources import root

DAY_S = 86400.0


def project(tmp_path: Path, monitoring: str) -> Path:
    for name in ("inventory.yaml", "playbooks/fleet.yaml", "policies/providers.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((root() / name).read_text())
    for name in ("routing", "access"):
        text = (root() / "policies" / f"{name}.yaml").read_text()
        (tmp_path / "policies" / f"{name}.yaml").write_text(text)
    (tmp_path / "policies" / "monitoring.yaml").write_text(monitoring)
    return tmp_path


def test_without_a_word_tasks_are_kept_a_month_and_the_journal_a_year_and_more(
    tmp_path: Path,
) -> None:
    loaded = load(project(tmp_path, "lease: 30s\n"))
    assert loaded.desired is not None, loaded.findings
    assert loaded.desired.monitoring.retention == Retention(
        tasks_s=30 * DAY_S, journal_s=400 * DAY_S
    )


def test_one_bound_may_be_given_without_the_other(tmp_path: Path) -> None:
    loaded = load(project(tmp_path, "retention: {tasks: 7d}\n"))
    assert loaded.desired is not None, loaded.findings
    assert loaded.desired.monitoring.retention == Retention(
        tasks_s=7 * DAY_S, journal_s=400 * DAY_S
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retention: {tasks: 500d}\n", "outlive the journal lines"),
        ("retention: {tasks: 10s}\n", "tasks"),
        ("retention: {journal: 1h, tasks: 1h}\n", "journal"),
        ("retention: {task: 7d}\n", "task"),
        ("retention: 7d\n", "retention"),
    ],
)
def test_bounds_that_cannot_be_meant_are_findings(tmp_path: Path, text: str, told: str) -> None:
    findings = [each for each in load(project(tmp_path, text)).findings if each.severity == "error"]
    [finding] = findings
    assert told in f"{finding.message} {finding.path}"
