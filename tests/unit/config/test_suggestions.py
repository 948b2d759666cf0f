"""What a mistaken name was meant to be, among however many, and how much of that is said."""

import time
from pathlib import Path

import pytest

from agentctl.config import finding, load
from agentctl.config.finding import Finding, did_you_mean, listed
from agentctl.config.report import text

MANY = [f"host{each:05}" for each in range(10_000)]


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("confidental", ["public", "confidential"], "confidential"),
        ("privte", [*(f"group-{each}" for each in range(500)), "private"], "private"),
        ("prviate", [*(f"group-{each}" for each in range(5000)), "private"], "private"),
        ("hots00042", MANY, "host00042"),
        ("zzz", MANY, ""),
        ("", MANY, ""),
    ],
)
def test_the_nearest_name_is_suggested(name: str, known: list[str], meant: str) -> None:
    assert did_you_mean(name, known) == (f"did you mean {meant!r}?" if meant else "")


def test_a_suggestion_costs_little_however_many_names_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = []

    def counting(name: str, among: list[str], **_: object) -> list[str]:
        compared.append(len(among))
        return []

    monkeypatch.setattr(finding, "get_close_matches", counting)
    did_you_mean("host1", MANY)
    assert compared == [finding.COMPARED_MAX]


def test_of_very_many_names_the_first_are_listed() -> None:
    said = listed(MANY)
    assert said.startswith("host00000, host00001, ")
    assert said.endswith(" host00049 or one of 9950 more")


def test_a_thousand_findings_in_a_large_file_are_quoted_at_once() -> None:
    source = "  hosts: h0\n" * 80_000
    findings = [
        Finding(rule="r", message="m", file="a.yaml", line=at, column=3) for at in range(1, 1001)
    ]
    before = time.perf_counter()
    assert text(findings, {"a.yaml": source}).count("  hosts: h0\n") == 1000
    assert time.perf_counter() - before < 2, "it took nine seconds when each split the file anew"


def test_a_line_of_many_thousand_mistakes_is_read_and_said_at_once(tmp_path: Path) -> None:
    keys = ", ".join(f"k{each}: 1" for each in range(70_000))
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/a.yaml").write_text(f"- {{{keys}}}\n")
    before = time.perf_counter()
    loaded = load(tmp_path)
    said = text(loaded.findings, loaded.sources)
    assert said.count("[unknown-key]") == 1000
    assert time.perf_counter() - before < 5, "it took minutes when each quoted the whole line"
