"""Compiled state is kept by the digest of the files: used while nothing changed, and never else."""

import os
import shutil
from pathlib import Path

import pytest

from agentctl import resources
from agentctl.config import kept, load
from agentctl.config.kept import load_kept
from agentctl.config.loaded import Loaded


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("inventory.yaml", "playbooks", "policies"):
        source = resources.root() / name
        (tmp_path / "p").mkdir(exist_ok=True)
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / "p" / name)
    return tmp_path / "p"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def from_cache(loaded: Loaded) -> bool:
    return not loaded.sources


def test_unchanged_files_are_not_compiled_again(project: Path, cache: Path) -> None:
    first = load_kept(project, cache=cache)
    second = load_kept(project, cache=cache)
    assert (from_cache(first), from_cache(second)) == (False, True)
    assert second.desired == first.desired == load(project).desired
    assert cache.stat().st_mode & 0o777 == 0o700


def edit(project: Path) -> None:
    with (project / "playbooks/fleet.yaml").open("a") as file:
        file.write("# a word\n")


def add(project: Path) -> None:
    (project / "group_vars").mkdir()
    (project / "group_vars/all.yaml").write_text("model: qwen3\n")


def remove(project: Path) -> None:
    (project / "policies/monitoring.yaml").unlink()


@pytest.mark.parametrize("change", [edit, add, remove])
def test_any_change_of_the_files_compiles_again(project: Path, cache: Path, change) -> None:  # type: ignore[no-untyped-def]
    load_kept(project, cache=cache)
    change(project)
    assert not from_cache(load_kept(project, cache=cache))


def test_options_and_their_files_belong_to_the_key(project: Path, cache: Path) -> None:
    extra = project.parent / "extra.yaml"
    extra.write_text("image: one\n")
    given = {"cache": cache, "extra_vars": (f"@{extra}",)}
    load_kept(project, cache=cache)
    assert not from_cache(load_kept(project, **given))  # type: ignore[arg-type]
    assert from_cache(load_kept(project, **given))  # type: ignore[arg-type]
    extra.write_text("image: two\n")
    assert not from_cache(load_kept(project, **given))  # type: ignore[arg-type]
    assert not from_cache(load_kept(project, cache=cache, limit="local"))
    found = load_kept(project, cache=cache, limit="local")
    assert from_cache(found)
    assert found.limited == frozenset({"local"})
    assert found.partial


def test_a_variables_file_elsewhere_in_the_project_counts(project: Path, cache: Path) -> None:
    (project / "models.yaml").write_text("model: qwen3\n")
    playbook = project / "playbooks/fleet.yaml"
    playbook.write_text(
        playbook.read_text().replace(
            "  vars:\n    model: qwen3\n", "  vars_files: [../models.yaml]\n"
        )
    )
    load_kept(project, cache=cache)
    assert from_cache(load_kept(project, cache=cache))
    (project / "models.yaml").write_text("model: qwen3\nother: 1\n")
    assert not from_cache(load_kept(project, cache=cache))


def test_files_with_errors_are_never_kept(project: Path, cache: Path) -> None:
    (project / "policies/routing.yaml").write_text("levels: []\n")
    for _ in range(2):
        found = load_kept(project, cache=cache)
        assert found.desired is None
        assert found.sources


def test_warnings_are_said_again(project: Path, cache: Path) -> None:
    (project / "policies/extra.yaml").write_text("a: 1\n")
    first, second = (load_kept(project, cache=cache) for _ in range(2))
    assert from_cache(second)
    assert second.findings == first.findings != ()


def test_a_cache_that_others_may_write_or_that_is_broken_is_not_used(
    project: Path, cache: Path
) -> None:
    load_kept(project, cache=cache)
    for entry in cache.iterdir():
        entry.write_bytes(b"\x81garbage")
    assert not from_cache(load_kept(project, cache=cache))
    cache.chmod(0o777)
    assert not from_cache(load_kept(project, cache=cache))
    (project.parent / "file").write_text("")
    assert not from_cache(load_kept(project, cache=project.parent / "file"))


def test_the_oldest_entries_go(project: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "ENTRIES_MAX", 2)
    for at in range(4):
        load_kept(project, cache=cache, extra_vars=(f"n={at}",))
        for entry in cache.iterdir():
            about = entry.stat()
            os.utime(entry, (about.st_atime, about.st_mtime - 10))
    assert len(list(cache.iterdir())) == 2
    assert from_cache(load_kept(project, cache=cache, extra_vars=("n=3",)))


def test_files_that_plays_name_elsewhere_are_known_from_the_cache_too(
    project: Path, cache: Path
) -> None:
    playbook = project / "playbooks/fleet.yaml"
    named = "  hosts: private\n  vars_files: [../vars/v.yaml]\n"
    playbook.write_text(playbook.read_text().replace("  hosts: private\n", named, 1))
    (project / "vars").mkdir()
    (project / "vars/v.yaml").write_text("a: 1\n")
    for _ in range(2):
        assert load_kept(project, cache=cache).others == ("vars/v.yaml",)
    (project / "vars/v.yaml").unlink()
    missing = load_kept(project, cache=cache)
    assert missing.desired is None
    assert missing.others == ("vars/v.yaml",)  # who follows sees it come back
