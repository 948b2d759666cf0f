"""Follow applies each new content of the files once; broken files change nothing and are said once."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from agentctl.errors import ConfigError, HubUnavailable
from agentctl.supervise.follow import TELL_EVERY_S, Follow, fingerprint


class Files:
    """A project directory and what applying it does."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.applied = 0
        self.problem: Exception | None = None
        self.told: list[str] = []
        self.deaf = False
        self.others: tuple[str, ...] = ()
        self.at_s = 0.0
        self.during: Callable[[], None] = lambda: None
        self.follow = Follow(
            project,
            apply=self.apply,
            tell=self.tell,
            others=lambda: self.others,
            pause=lambda _s: self.during(),
            now_s=lambda: self.at_s,
            wall_s=lambda: 1000.0 + self.at_s,
        )
        self.write("one")

    def write(self, text: str, place: str = "inventory.yaml") -> None:
        path = self.project / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def tell(self, why: str, since_s: float) -> bool:
        if not self.deaf:
            self.told.append(f"{why} since {since_s:g}" if why else "")
        return not self.deaf

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
    assert files.told == ["no such provider since 1000", ""]


def test_broken_files_are_told_again_so_that_a_restarted_hub_knows(files: Files) -> None:
    files.problem = ConfigError("no such provider")
    files.follow.look()
    files.at_s = TELL_EVERY_S - 1
    files.follow.look()
    assert files.told == ["no such provider since 1000"]
    files.at_s = TELL_EVERY_S
    files.follow.look()
    assert files.told == ["no such provider since 1000"] * 2
    assert files.applied == 1


def test_what_the_hub_did_not_hear_is_told_at_the_next_look(files: Files) -> None:
    files.problem, files.deaf = ConfigError("no such provider"), True
    files.follow.look()
    files.deaf = False
    files.follow.look()
    assert files.told == ["no such provider since 1000"]


def test_files_that_plays_name_elsewhere_are_followed_too(files: Files) -> None:
    files.others = ("vars/models.yaml",)
    files.follow.look()
    files.write("x", "vars/models.yaml")
    files.follow.look()
    assert files.applied == 2
    files.follow.look()
    assert files.applied == 2


def test_a_file_that_is_named_for_the_first_time_is_read_once_more(files: Files) -> None:
    """It may have changed between the load that named it and the first look at it."""

    def applied() -> str:
        files.others = ("vars/models.yaml",)
        return files.apply()

    files.follow._apply = applied
    for _ in range(3):
        files.follow.look()
    assert files.applied == 2


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


def test_what_is_asked_for_is_said_again(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    import threading

    stop = threading.Event()
    files.problem = ConfigError("no such provider")
    files.follow.look()

    def applied() -> str:
        stop.set()
        return files.apply()

    files.follow._apply = applied
    files.follow.again()
    with caplog.at_level(logging.ERROR):
        files.follow.run(stop)
    assert "no such provider" in caplog.text
