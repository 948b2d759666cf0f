"""`plan --against REV`: the work tree beside a git revision, with no engine and no hub."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from agentctl.cli import run

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, capsys: Captured) -> Path:
    """A sample project in a folder of a repository, committed once."""
    repository = tmp_path / "repository"
    assert run(["init", str(repository / "fleet")]) == 0
    capsys.readouterr()
    git(repository, "init", "--quiet")
    (repository / "README.md").write_text("not ours\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "first")
    return repository / "fleet"


def git(at: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, "-C", str(at), *words], check=True, timeout=30)


def against(project: Path, *words: str, rev: str = "HEAD") -> int:
    return run(["plan", "--project", str(project), "--against", rev, *words])


def change(project: Path, file: str, old: str, new: str) -> None:
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new))


def test_an_unchanged_tree_is_no_change(project: Path, capsys: Captured) -> None:
    assert against(project, "--detailed-exitcode") == 0
    assert capsys.readouterr().out == (
        "Declarations: 0 added, 0 changed, 0 removed\nNothing is declared otherwise than in HEAD.\n"
    )


def test_what_changes_and_what_widens_is_shown(project: Path, capsys: Captured) -> None:
    change(project, "playbooks/fleet.yaml", "replicas: 2", "replicas: 3")
    change(project, "policies/routing.yaml", "public: internal", "public: confidential")
    change(project, "playbooks/fleet.yaml", "clearance: internal ", "clearance: confidential ")
    assert against(project, "--detailed-exitcode") == 2
    assert (
        capsys.readouterr().out
        == """\
Declarations
  ~ agent researcher
      replicas: 2 → 3
  ~ agent thinker
      clearance: internal → confidential
  ~ routing levels and boundaries
      boundaries: [private: restricted, public: internal] → \
[private: restricted, public: confidential]

Permissions that widen
  ! agent thinker: clearance raised from internal to confidential
  ! routing levels and boundaries: boundary public lets confidential cross, it was internal
  ! reach: confidential work can get to agent thinker: cleared for confidential; \
may be submitted: operators dispatch
  ! reach: confidential work can get to provider claude-opus: called by thinker
  ! reach: confidential work can get to boundary public: lets confidential cross; claude-opus

Declarations: 0 added, 3 changed, 0 removed
"""
    )


def test_what_widens_is_a_warning_on_the_pull_request(project: Path, capsys: Captured) -> None:
    with (project / "policies/access.yaml").open("a") as file:
        file.write('  - {name: all, allow: message.send, from: "agent:*", to: "agent:*"}\n')
    assert against(project, "--format", "github") == 0
    first = capsys.readouterr().out.splitlines()[0]
    last = len((project / "policies/access.yaml").read_text().splitlines())
    assert first == (
        f"::warning file=fleet/policies/access.yaml,line={last},col=5,title=permission widens::"
        "rule all: allows message.send from agent:* to agent:*"
    )
    assert against(project, "--format", "markdown") == 0
    said = capsys.readouterr().out
    assert said.startswith("### Declarations: 1 added, 0 changed, 0 removed\n")
    assert "- ⚠️ rule all: allows message.send from agent:\\* to agent:\\*" in said


def test_a_note_stands_at_the_field_that_changed(project: Path, capsys: Captured) -> None:
    change(project, "playbooks/fleet.yaml", "clearance: internal", "clearance: confidential")
    change(project, "policies/routing.yaml", "public: internal", "public: confidential")
    change(project, "policies/providers.yaml", "model: claude-opus-4-1", "model: claude-opus-5")
    assert against(project, "--format", "github") == 0
    said = capsys.readouterr().out
    line = 1 + next(
        at
        for at, text in enumerate((project / "playbooks/fleet.yaml").read_text().splitlines())
        if "clearance: confidential" in text and at > 30
    )
    raised = f"file=fleet/playbooks/fleet.yaml,line={line},col=18,title=permission widens::agent"
    assert f"{raised} thinker: clearance raised" in said
    assert "::notice file=fleet/policies/providers.yaml,line=" in said


def test_a_message_kind_stands_at_its_file(project: Path, capsys: Captured) -> None:
    (project / "schemas/messages/review.yaml").write_text(
        "types: [request]\npayload: {text: {type: string, maxlength: 100}}\n"
    )
    assert against(project, "--format", "github") == 0
    said = "::notice file=fleet/schemas/messages/review.yaml,line=1,col=1,title=declaration::"
    assert f"{said}add message kind review" in capsys.readouterr().out


def test_what_is_no_longer_declared_has_no_line(project: Path, capsys: Captured) -> None:
    playbook = project / "playbooks/fleet.yaml"
    playbook.write_text(playbook.read_text().partition("\n- name: Agents on a public")[0] + "\n")
    routing = project / "policies/routing.yaml"
    routing.write_text(routing.read_text().partition("routes:")[0])
    assert against(project, "--format", "github") == 0
    assert "::notice title=declaration::remove agent thinker" in capsys.readouterr().out


def test_events_come_one_a_line_the_version_first(project: Path, capsys: Captured) -> None:
    change(project, "playbooks/fleet.yaml", "replicas: 2", "replicas: 3")
    assert against(project, "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0] == {"type": "version", "version": 1, "digest": None}
    assert [each["type"] for each in events] == ["version", "declaration", "summary"]


def test_a_project_that_is_new_is_all_new(project: Path, capsys: Captured) -> None:
    other = project.parent / "other"
    shutil.copytree(project, other)
    assert against(other) == 0
    said = capsys.readouterr().out
    assert "HEAD has no such project: everything is new" in said
    assert "+ agent clerk\n      cleared for restricted, provider ollama-qwen3, on local" in said


def test_a_revision_with_errors_is_said_and_broken_files_are_refused(
    project: Path, capsys: Captured
) -> None:
    change(project, "playbooks/fleet.yaml", "claude-opus", "nobody")
    assert against(project) == 1
    assert "unknown provider 'nobody'" in capsys.readouterr().err
    git(project, "commit", "--quiet", "--all", "--message", "broken")
    change(project, "playbooks/fleet.yaml", "nobody", "claude-opus")
    assert against(project) == 0
    said = capsys.readouterr().out
    assert "the files of HEAD have 1 error, the first: playbooks/fleet.yaml:" in said
    assert "unknown provider 'nobody'; everything is shown as new" in said


def test_files_without_an_ending_are_of_the_revision_too(project: Path, capsys: Captured) -> None:
    change(project, "playbooks/fleet.yaml", "{{ model }}", "{{ size }}")
    change(project, "playbooks/fleet.yaml", "  vars:\n", "  vars_files: [../vars/more]\n  vars:\n")
    for name in ("group_vars/all", "host_vars/local", "vars/more"):
        (project / name).parent.mkdir()
        (project / name).write_text("size: qwen3\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "variables")
    assert against(project, "--detailed-exitcode") == 0
    assert "declared otherwise than in HEAD" in capsys.readouterr().out


@pytest.mark.parametrize("rev", ["nowhere", "-x"])
def test_an_unknown_revision_is_refused(project: Path, capsys: Captured, rev: str) -> None:
    assert against(project, rev=rev) == 1
    assert f"git knows no revision {rev!r}" in capsys.readouterr().err


def test_an_empty_revision_is_no_plan_against_the_hub(project: Path, capsys: Captured) -> None:
    assert against(project, rev="") == 2
    assert "is a variable of the pipeline unset?" in capsys.readouterr().err
    assert against(project, "--detailed-exitcode", rev="") == 1


def test_where_git_has_nothing_it_is_said_why(
    project: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{project.parent}", str(shallow))
    assert against(shallow / "fleet", rev="HEAD~1") == 1
    assert "this clone is shallow: `git fetch --unshallow`" in capsys.readouterr().err
    alone = tmp_path / "alone"
    shutil.copytree(project, alone)
    assert against(alone) == 1
    assert f"git can't read {alone}: not a git repository" in capsys.readouterr().err
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert against(project) == 1
    said = capsys.readouterr().err
    assert "dubious ownership" in said
    assert f"git config --global --add safe.directory {project.parent}\n" in said
    monkeypatch.setenv("PATH", "")
    assert against(project) == 1
    assert "--against needs git, and there is none" in capsys.readouterr().err


def test_comparing_leaves_repository_and_tree_as_they_are(project: Path) -> None:
    def all_of() -> dict[str, bytes]:
        found = (each for each in project.parent.rglob("*") if each.is_file())
        return {str(each): each.read_bytes() for each in found}

    before = all_of()
    assert against(project) == 0
    assert all_of() == before
