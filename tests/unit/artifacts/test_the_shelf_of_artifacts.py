"""A file is whole and what its digest says, or it isn't there; a task's files are bounded."""

import hashlib
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agentctl.artifacts import Shelf, shelf
from agentctl.errors import Conflict, InputError, TooLarge
from agentctl.model.artifact import ARTIFACT_BYTES_MAX, is_name

TASK = "task-" + "0" * 26
OTHER = "task-" + "1" * 26
CONTENT = b"what the agent found"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def kept(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "artifacts", free_bytes_min=0)


def put(kept: Shelf, content: bytes = CONTENT, *, task: str = TASK, attempt: int = 1) -> str:
    digest = hashlib.sha256(content).hexdigest()
    assert kept.put(task, attempt, digest, size=len(content), offset=0, part=content)
    return digest


def files(tmp_path: Path) -> list[str]:
    root = tmp_path / "artifacts"
    return sorted(str(each.relative_to(root)) for each in root.rglob("*") if each.is_file())


def test_a_file_in_one_part_is_there_with_a_name_and_mode_of_its_own(
    kept: Shelf, tmp_path: Path
) -> None:
    put(kept)
    assert kept.path(TASK, 1, DIGEST).read_bytes() == CONTENT
    assert kept.path(TASK, 1, DIGEST).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "artifacts").stat().st_mode & 0o777 == 0o700
    assert kept.holds(TASK, 1, DIGEST, len(CONTENT))
    assert not kept.holds(TASK, 1, DIGEST, len(CONTENT) + 1)
    assert not kept.holds(TASK, 2, DIGEST, len(CONTENT))


def test_parts_come_in_order_and_may_come_again(kept: Shelf) -> None:
    size = len(CONTENT)
    assert not kept.put(TASK, 1, DIGEST, size=size, offset=0, part=CONTENT[:5])
    assert not kept.put(TASK, 1, DIGEST, size=size, offset=0, part=CONTENT[:5])
    with pytest.raises(Conflict, match="there are 5 bytes before it"):
        kept.put(TASK, 1, DIGEST, size=size, offset=9, part=CONTENT[9:])
    assert not kept.holds(TASK, 1, DIGEST, size)
    assert kept.put(TASK, 1, DIGEST, size=size, offset=5, part=CONTENT[5:])
    assert kept.put(TASK, 1, DIGEST, size=size, offset=5, part=CONTENT[5:])
    assert kept.holds(TASK, 1, DIGEST, size)


def test_what_is_not_what_its_digest_says_is_refused_and_removed(
    kept: Shelf, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="digest"):
        kept.put(TASK, 1, DIGEST, size=5, offset=0, part=b"other")
    assert files(tmp_path) == []


def test_an_empty_file_is_a_file(kept: Shelf) -> None:
    assert kept.holds(TASK, 1, put(kept, b""), 0)


@pytest.mark.parametrize(
    ("size", "offset", "part"), [(5, 3, b"abc"), (0, 0, b"a"), (ARTIFACT_BYTES_MAX, 2**40, b"")]
)
def test_a_part_past_the_end_is_refused(kept: Shelf, size: int, offset: int, part: bytes) -> None:
    with pytest.raises(InputError):
        kept.put(TASK, 1, DIGEST, size=size, offset=offset, part=part)


def test_a_file_over_the_bound_is_refused(kept: Shelf) -> None:
    with pytest.raises(TooLarge):
        kept.put(TASK, 1, DIGEST, size=ARTIFACT_BYTES_MAX + 1, offset=0, part=b"a")


def test_a_tasks_files_are_bounded_in_number_and_bytes(
    kept: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "ARTIFACTS_MAX", 2)
    monkeypatch.setattr(shelf, "ARTIFACTS_BYTES_MAX", 10)
    put(kept, b"12345")
    with pytest.raises(TooLarge, match="10 bytes together"):
        put(kept, b"abcdef")
    put(kept, b"abcde")
    with pytest.raises(TooLarge, match="at most 2"):
        put(kept, b"")
    put(kept, b"a", task=OTHER)


def test_the_disk_keeps_room_for_the_store(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="no room"):
        put(Shelf(tmp_path / "artifacts", free_bytes_min=2**62))


def test_a_new_attempt_removes_what_earlier_ones_left(kept: Shelf, tmp_path: Path) -> None:
    put(kept)
    put(kept, b"second", attempt=2)
    assert [each.split("/")[1] for each in files(tmp_path)] == ["2"]


def test_only_what_the_result_names_is_kept(kept: Shelf, tmp_path: Path) -> None:
    put(kept)
    put(kept, b"not named")
    kept.put(TASK, 1, "a" * 64, size=9, offset=0, part=b"half")
    put(kept, b"anothers", task=OTHER)
    kept.keep_only(TASK, 1, {DIGEST})
    assert files(tmp_path) == sorted(
        [f"{TASK}/1/{DIGEST}", f"{OTHER}/1/{hashlib.sha256(b'anothers').hexdigest()}"]
    )


def test_a_result_without_files_leaves_no_folder_but_the_next_attempts(
    kept: Shelf, tmp_path: Path
) -> None:
    put(kept)
    kept.keep_only(TASK, 1, ())
    assert list(kept.tasks()) == []
    put(kept, b"second", attempt=2)
    kept.keep_only(TASK, 1, ())
    assert [each.split("/")[1] for each in files(tmp_path)] == ["2"]


def test_a_task_is_here_from_its_first_part_until_nothing_of_it_is_kept(kept: Shelf) -> None:
    assert not kept.has(TASK)
    put(kept)
    assert kept.has(TASK)
    kept.keep_only(TASK, 1, {DIGEST})
    assert kept.has(TASK)
    kept.keep_only(TASK, 1, ())
    assert not kept.has(TASK)


def test_a_forgotten_task_leaves_nothing(kept: Shelf) -> None:
    put(kept)
    put(kept, task=OTHER)
    kept.forget(TASK)
    kept.forget("../artifacts")
    assert list(kept.tasks()) == [OTHER]


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("report.md", True),
        ("a/b/c.txt", True),
        (".hidden", True),
        ("a..b", True),
        ("naïve – draft (2).txt", True),
        ("..", False),
        ("a/../b", False),
        ("../a", False),
        ("/etc/passwd", False),
        ("a//b", False),
        ("a/", False),
        ("", False),
        ("a\n", False),
        ("a\x1b[2J", False),
        ("a/" * 8 + "b", False),
        ("x" * 129, False),
    ],
)
def test_a_name_is_a_path_below_and_nothing_that_a_terminal_obeys(name: str, taken: bool) -> None:
    assert is_name(name) is taken


def test_a_part_that_comes_while_the_file_is_hashed_changes_nothing_in_it(
    kept: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has its digest's name has its digest's content, whatever its sender does at once."""
    digest_of, size = hashlib.file_digest, len(CONTENT)

    def meanwhile(*given: Any) -> Any:
        found = digest_of(*given)
        monkeypatch.undo()
        other = threading.Thread(target=late, args=(kept, b"y" * size))
        other.start()
        other.join()
        return found

    monkeypatch.setattr("hashlib.file_digest", meanwhile)
    assert kept.put(TASK, 1, DIGEST, size=size, offset=0, part=CONTENT)
    assert kept.path(TASK, 1, DIGEST).read_bytes() == CONTENT


def late(kept: Shelf, part: bytes) -> None:
    with suppress(InputError):
        kept.put(TASK, 1, DIGEST, size=len(part), offset=0, part=part)
    kept.put(TASK, 1, DIGEST, size=len(part), offset=0, part=part[:3])
