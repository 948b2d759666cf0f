"""What a task left is listed with its digests; nothing outside, nothing special, nothing unbounded."""

import hashlib
import os
from pathlib import Path

import pytest

from agentd import artifacts
from agentd.artifacts import collect, empty, opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "artifacts"
    made.mkdir()
    return made


def names(workspace: Path) -> list[str]:
    return [each.name for each in collect(workspace).files]


def test_files_are_listed_by_path_with_size_and_digest(tmp_path: Path, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "b.bin").write_bytes(b"\x00\x01")
    (folder / "a.txt").write_text("found")
    found = collect(tmp_path)
    assert [(each.name, each.size) for each in found.files] == [("a.txt", 5), ("sub/b.bin", 2)]
    assert found.files[0].sha256 == hashlib.sha256(b"found").hexdigest()
    assert found.note() == ""


def test_without_the_directory_there_are_none(tmp_path: Path) -> None:
    found = collect(tmp_path)
    assert (found.files, found.note()) == ([], "")


def test_no_link_is_followed_and_no_special_file_is_read(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "pipe")
    (folder / "good").write_text("good")
    found = collect(tmp_path)
    assert [each.name for each in found.files] == ["good"]
    assert found.note() == (
        "link: a symbolic link; linked: a symbolic link; pipe: not a regular file"
    )


def test_a_link_in_place_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secret")
    (tmp_path / "artifacts").symlink_to(tmp_path / "outside")
    assert collect(tmp_path).files == []
    assert "artifacts/" in collect(tmp_path).note()


def test_what_cannot_be_named_is_left_out_in_plain_words(tmp_path: Path, folder: Path) -> None:
    (folder / "esc\x1b[2J").write_text("x")
    (folder / os.fsdecode(b"\xff")).write_text("x")
    (folder / ("n" * 150)).write_text("x")
    found = collect(tmp_path)
    assert found.files == []
    assert "esc?[2J: its name isn't plain text" in found.left_out
    assert "\x1b" not in found.note()
    assert found.note().isprintable()


def test_files_are_bounded_in_number_and_bytes(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "FILES_MAX", 3)
    monkeypatch.setattr(artifacts, "FILE_BYTES_MAX", 10)
    monkeypatch.setattr(artifacts, "BYTES_MAX", 15)
    for name, size in {"a": 8, "b": 11, "c": 8, "d": 7, "e": 0, "f": 0}.items():
        (folder / name).write_bytes(b"x" * size)
    found = collect(tmp_path)
    assert [each.name for each in found.files] == ["a", "d", "e"]
    assert found.left_out == [
        "b: over 10 bytes",
        "c: over 15 bytes with those before it",
        "f: more than 3 files",
    ]


def test_a_flood_of_entries_ends_the_looking(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "LOOKED_AT_MAX", 5)
    for each in range(9):
        (folder / f"empty-{each}" / "deeper").mkdir(parents=True)
    assert collect(tmp_path).left_out == ["all past the first 5 entries"]


def test_depth_is_bounded(tmp_path: Path, folder: Path) -> None:
    deep = folder.joinpath(*"abcdefghij")
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    assert collect(tmp_path).left_out == ["a/b/c/d/e/f/g/h: deeper than 8"]


def test_what_was_left_out_is_said_within_bounds(tmp_path: Path, folder: Path) -> None:
    for each in range(20):
        (folder / f"{'l' * 100}-{each:02}").symlink_to("x")
    assert len(collect(tmp_path).note()) <= artifacts.NOTE_CHARS_MAX


def test_each_task_begins_with_an_empty_directory(tmp_path: Path, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "old").write_text("an earlier task's")
    (tmp_path / "outside").write_text("stays")
    (folder / "link").symlink_to(tmp_path / "outside")
    empty(tmp_path)
    assert list(folder.iterdir()) == []
    assert (tmp_path / "outside").read_text() == "stays"


def test_emptying_replaces_a_link_and_leaves_what_it_led_to(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("stays")
    (tmp_path / "artifacts").symlink_to(tmp_path / "outside")
    empty(tmp_path)
    assert (tmp_path / "artifacts").is_dir()
    assert not (tmp_path / "artifacts").is_symlink()
    assert (tmp_path / "outside" / "file").read_text() == "stays"


def test_a_file_is_opened_below_the_directory_or_not_at_all(tmp_path: Path, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "file").write_text("found")
    (folder / "out").symlink_to(tmp_path)
    (tmp_path / "secret").write_text("secret")
    with opened(tmp_path, "sub/file") as file:
        assert file.read() == b"found"
    for name in ("out/secret", "sub/nothing"):
        with pytest.raises(OSError):
            opened(tmp_path, name)
