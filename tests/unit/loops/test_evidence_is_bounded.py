"""What condemned containers said is kept, the oldest going first when it becomes too much."""

import os
from pathlib import Path
from typing import Any, cast

import pytest

from agentctl.loops import evidence
from agentctl.loops.evidence import Evidence


class Says:
    """An engine whose containers all said the same."""

    def __init__(self, said: str) -> None:
        self.said = said

    def logs(self, _container: str, _lines: int) -> str:
        return self.said


def keep(directory: Path, *names: str, said: str = "words") -> None:
    kept = Evidence(directory)
    for age, name in enumerate(names):
        kept.keep_log("h", "a", name, cast("Any", Says(said)))
        path = directory / f"h-a-{name}.log"
        os.utime(path, (1000 + age, 1000 + age))


def left(directory: Path) -> str:
    return " ".join(sorted(each.name[4:-4] for each in directory.iterdir()))


def test_the_oldest_goes_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "FILES_MAX", 3)
    keep(tmp_path, "c1", "c2", "c3", "c4", "c5")
    assert left(tmp_path) == "c3 c4 c5"


def test_the_oldest_goes_when_they_are_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "BYTES_MAX", 25)
    keep(tmp_path, "c1", "c2", "c3", said="x" * 10)
    assert left(tmp_path) == "c2 c3"


def test_of_a_container_that_says_too_much_the_end_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "LOG_BYTES_MAX", 4)
    keep(tmp_path, "c1", said="beginning and end")
    assert (tmp_path / "h-a-c1.log").read_text() == " end"


def test_the_newest_stays_however_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "BYTES_MAX", 1)
    keep(tmp_path, "c1", said="much")
    assert left(tmp_path) == "c1"
