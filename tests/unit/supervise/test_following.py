"""Follow applies each new content of the files once; broken files change nothing and are said once."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctl.errors import ConfigError, HubUnavailable
from agentctl.supervise.follow import Follow, fingerprint


class Files:
    """A project directory and what applying it does."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.applied = 0
        self.problem: Exception | None = None
        self.told: list[str] = []
        self.during: Callable[[], None] = lambda: None
        self.follow = Follow(
            project, apply=self.apply, tell=self.told.append, pause=lambda _s: self.during()
        )
        self.write("one")

    def write(self, text: str, place: str = "inventory.yaml") -> None:
        path = self.project / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def apply(self) -> str:
        self.applied += 1
        if self.problem:
            raise self.problem
        return "applied"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_content_is_applied_once(files: Files) -> None:
    files.follow.look()
    files.follow.look()
    assert files.applied == 1


def test_a_change_anywhere_in_the_project_is_applied(files: Files) -> None:
    files.follow.look()
    for place in ("playbooks/fleet.yaml", "policies/access.yaml", "group_vars/all.yaml"):
        files.write("new", place)
        files.follow.look()
    assert files.applied == 4


def test_what_is_no_part_of_the_project_is_not_looked_at(files: Files) -> None:
    before = fingerprint(files.project)
    files.write("notes", "README.md")
    assert fingerprint(files.project) == before


def test_broken_files_are_said_once_and_tried_again_when_they_change(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    files.problem = ConfigError("the files have 1 error(s)")
    with caplog.at_level(logging.ERROR):
        files.follow.look()
        files.follow.look()
    assert [each.getMessage() for each in caplog.records] == [
        "the files are not applied: the files have 1 error(s)"
    ]
    files.problem = None
    files.write("mended")
    files.follow.look()
    assert files.applied == 2


def test_a_hub_that_is_away_is_asked_again(files: Files) -> None:
    files.problem = HubUnavailable("the hub does not answer")
    files.follow.look()
    files.problem = None
    files.follow.look()
    files.follow.look()
    assert files.applied == 2


def test_files_that_are_still_being_written_are_not_applied_in_between(files: Files) -> None:
    files.during = lambda: files.write("two", "playbooks/fleet.yaml")
    files.follow.look()
    assert files.applied == 0
    files.during = lambda: None
    files.follow.look()
    assert files.applied == 1


def test_who_shows_it_is_told_why_files_are_not_applied_and_when_they_are(files: Files) -> None:
    files.problem = ConfigError("no such provider")
    files.follow.look()
    files.problem = None
    files.write("mended")
    files.follow.look()
    assert files.told == ["no such provider", ""]


def test_asked_to_it_reads_again_what_did_not_change(files: Files) -> None:
    import threading

    stop, looks = threading.Event(), []
    files.follow.look()

    def applied() -> str:
        looks.append(1)
        stop.set()
        return "applied"

    files.follow._apply = applied
    files.follow.again()
    files.follow.run(stop)
    assert looks == [1]
