"""Saving writes below one directory alone: no link is followed, nothing is overwritten."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from agentctl.cli import artifacts, run
from agentctl.cli.saving import check_free, save
from agentctl.errors import EXIT_ERROR, EXIT_OK, AgentctlError, Conflict
from agentctl.model.artifact import Artifact

CONTENT = b"found"


def named(name: str, content: bytes = CONTENT) -> Artifact:
    digest = hashlib.sha256(content).hexdigest()
    return Artifact(name=name, size=len(content), sha256=digest, label="internal")


def test_a_file_is_written_with_the_directories_on_its_way(tmp_path: Path) -> None:
    save(tmp_path, named("a/b/c.txt"), CONTENT)
    save(tmp_path, named("a/d.txt"), CONTENT)
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == CONTENT
    assert (tmp_path / "a" / "d.txt").read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "", ".", "a\x1b[2J"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(AgentctlError):
        save(inside, named(name), CONTENT)
    assert list(tmp_path.iterdir()) == [inside]
    assert list(inside.iterdir()) == []


def test_no_link_in_the_directory_is_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "linked").symlink_to(outside)
    (inside / "dangling").symlink_to(outside / "new")
    with pytest.raises(AgentctlError):
        save(inside, named("linked/x"), CONTENT)
    with pytest.raises(Conflict):
        save(inside, named("dangling"), CONTENT)
    assert list(outside.iterdir()) == []


def test_nothing_is_overwritten_and_then_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(Conflict, match="nothing was written"):
        check_free(tmp_path, ["a", "b"])
    with pytest.raises(Conflict):
        save(tmp_path, named("b"), CONTENT)
    assert (tmp_path / "b").read_text() == "mine"


def test_content_with_another_digest_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(AgentctlError, match="another digest"):
        save(tmp_path, named("a"), b"other")
    assert list(tmp_path.iterdir()) == []


class Canned:
    def __init__(self, *found: Artifact, note: str | None = None) -> None:
        rows = [
            {"name": each.name, "size": each.size, "sha256": each.sha256, "label": each.label}
            for each in found
        ]
        self.answer = {"artifacts": rows, "note": note}
        self.asked: list[str] = []

    def get(self, path: str, _params: Any = None) -> dict[str, Any]:
        return self.answer

    def get_bytes(self, path: str) -> bytes:
        self.asked.append(path)
        return CONTENT


def test_the_command_lists_and_saves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    hub = Canned(named("a/one file.txt"), note="big: over 33554432 bytes")
    monkeypatch.setattr(artifacts, "connect", lambda _settings: hub)
    assert run(["task", "artifacts", "task-1", "--save", str(tmp_path / "out")]) == EXIT_OK
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split("  ")[0] == "a/one file.txt"
    assert err == "Left out: big: over 33554432 bytes\n"
    assert hub.asked == ["/api/hub/tasks/task-1/artifacts/a/one%20file.txt"]
    assert (tmp_path / "out" / "a" / "one file.txt").read_bytes() == CONTENT
    assert run(["task", "artifacts", "task-1", "--save", str(tmp_path / "out")]) == EXIT_ERROR
