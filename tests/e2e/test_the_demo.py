"""The first thing a person runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def demo(*options: str) -> dict[str, object]:
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "agentctl",
            "--project",
            str(ROOT),
            "demo",
            "--once",
            "-o",
            "json",
            *options,
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, object] = json.loads(ended.stdout)
    return found


def outline(report: dict[str, object]) -> list[tuple[str, ...]]:
    rows = report["rows"]
    assert isinstance(rows, list)
    names = ("sensitivity", "rule", "agent", "provider", "boundary", "state")
    return [tuple(row[name] for name in names) for row in rows]


def expected_outline() -> list[tuple[str, ...]]:
    at_home = ("ollama-qwen3", "private", "completed")
    return [
        ("confidential", "lowest sufficient clearance", "researcher", *at_home),
        ("internal", "deep reasoning", "thinker", "claude-opus", "public", "completed"),
        ("confidential", "bulk work is free at home", "researcher", *at_home),
    ]


def test_three_tasks_go_where_they_may_without_an_engine() -> None:
    report = demo("--engine", "process")
    assert outline(report) == expected_outline()
    assert (report["engine"], report["isolation"], report["ok"]) == ("process", "none", True)


@pytest.mark.engine
def test_three_tasks_go_where_they_may_in_containers(agent_image: str) -> None:
    report = demo("--engine", "docker")
    assert outline(report) == expected_outline()
    assert (report["engine"], report["isolation"], report["ok"]) == ("docker", "container", True)


@pytest.mark.engine
def test_nothing_of_the_demo_stays(agent_image: str) -> None:
    fleet = demo("--engine", "docker")["fleet"]
    for what in (["ps", "-a"], ["volume", "ls"]):
        listed = subprocess.run(
            ["docker", *what, "--filter", "label=agentctl.installation", "--format", "{{.Labels}}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert f"agentctl.fleet={fleet}" not in listed
