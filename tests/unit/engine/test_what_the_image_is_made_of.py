"""The build context and the base's name depend on contents alone, so that nothing is built twice."""

import tarfile
from pathlib import Path

import pytest

from agentctl.engine import base
from agentctl.engine.context import build_context
from agentctl.errors import EngineRefused


def test_the_context_is_the_same_bytes_each_time() -> None:
    with build_context(None) as first, build_context(None) as second:
        assert first.read() == second.read()


def test_the_cli_goes_in_as_an_executable_when_it_is_given(tmp_path: Path) -> None:
    claude = tmp_path / "claude"
    claude.write_bytes(b"#!")
    with build_context(claude) as context, tarfile.open(fileobj=context) as archive:
        modes = {each.name: each.mode for each in archive}
    assert modes == {"Dockerfile": 0o644, "agentd.pyz": 0o644, "claude": 0o755}


def test_a_changed_recipe_is_another_base(monkeypatch: pytest.MonkeyPatch) -> None:
    before = base.image_name()
    assert before == base.image_name()
    monkeypatch.setattr(base, "PACKAGES", ("python3",))
    assert base.image_name() != before


def test_a_kept_archive_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCTL_CACHE", str(tmp_path))
    monkeypatch.setattr(base, "_make", lambda _scratch: pytest.fail("made again"))
    kept = base.archive_path()
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"tar")
    assert base.archive(print) == kept


def test_a_failed_making_leaves_nothing_that_could_be_taken_for_a_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCTL_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))  # no debootstrap
    with pytest.raises(EngineRefused, match="cannot make a base image: debootstrap"):
        base.archive(lambda _line: None)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []
