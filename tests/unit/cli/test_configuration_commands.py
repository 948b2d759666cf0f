"""validate, schema, init and inventory, as a person or CI calls them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agentctl.cli import run
from agentctl.config import load

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, capsys: Captured) -> Path:
    assert run(["init", str(tmp_path / "fleet")]) == 0
    capsys.readouterr()
    return tmp_path / "fleet"


def test_what_init_writes_validates_strictly(project: Path, capsys: Captured) -> None:
    assert run(["validate", "--strict", "--project", str(project)]) == 0
    assert capsys.readouterr().out == "The project is valid.\n"


def test_init_brings_ci_a_hook_and_schemas_for_editors(project: Path) -> None:
    assert (project / ".github/workflows/fleet.yml").is_file()
    assert (project / ".gitlab-ci.yml").is_file()
    for ci in (".github/workflows/fleet.yml", ".gitlab-ci.yml"):
        said = (project / ci).read_text()
        assert "agentctl validate --strict" in said
        assert "--format markdown > plan.md" in said  # and that becomes a comment
    assert "agentctl validate" in (project / ".pre-commit-config.yaml").read_text()
    first = (project / "playbooks/fleet.yaml").read_text().splitlines()[0]
    assert (project / "playbooks" / first.partition("=")[2]).resolve().is_file()


def test_init_brings_a_policy_for_opa_that_nothing_asks_yet(project: Path) -> None:
    brought = sorted(path.name for path in (project / "policies/opa").iterdir())
    assert brought == ["agentctl.rego", "agentctl_test.rego", "cases_test.rego"]
    desired = load(project).desired
    assert desired is not None
    assert not desired.opa.enabled


def test_init_overwrites_nothing(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/access.yaml").write_text("mine")
    assert run(["init", str(tmp_path)]) == 1
    assert "policies/access.yaml is already there; nothing was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["policies"]
    assert (tmp_path / "policies/access.yaml").read_text() == "mine"


def _break(project: Path) -> None:
    playbook = project / "playbooks/fleet.yaml"
    playbook.write_text(playbook.read_text().replace("claude-opus", "claud-opus"))


def test_an_error_ends_with_1_and_a_caret_under_the_place(project: Path, capsys: Captured) -> None:
    _break(project)
    assert run(["validate", "--project", str(project)]) == 1
    out = capsys.readouterr().out
    assert "playbooks/fleet.yaml:39:17: error: unknown provider 'claud-opus'" in out
    assert "   39 |       provider: claud-opus\n      |                 ^" in out
    assert "hint: did you mean 'claude-opus'?" in out


@pytest.mark.parametrize("words", [["-o", "json"], ["--format", "json"]])
def test_findings_come_as_json(project: Path, capsys: Captured, words: list[str]) -> None:
    _break(project)
    assert run(["validate", "--project", str(project), *words]) == 1
    document = json.loads(capsys.readouterr().out)
    assert not document["valid"]
    assert [each["rule"] for each in document["findings"]] == ["unknown-provider"]
    assert document["findings"][0]["line"] == 39


def test_findings_come_as_annotations(project: Path, capsys: Captured) -> None:
    _break(project)
    assert run(["validate", "--project", str(project), "--format", "github"]) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first == (
        "::error file=playbooks/fleet.yaml,line=39,col=17,title=unknown-provider::"
        "unknown provider 'claud-opus'; did you mean 'claude-opus'?"
    )


def test_findings_come_as_sarif(project: Path, capsys: Captured) -> None:
    _break(project)
    assert run(["validate", "--project", str(project), "--format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    result = log["runs"][0]["results"][0]
    assert log["version"] == "2.1.0"
    assert result["ruleId"] == "unknown-provider"
    assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "playbooks/fleet.yaml"
    assert place["region"] == {"startLine": 39, "startColumn": 17}


def test_strict_makes_warnings_errors(project: Path, capsys: Captured) -> None:
    (project / "policies/extra.yaml").write_text("a: 1\n")
    assert run(["validate", "--project", str(project)]) == 0
    assert "1 warning." in capsys.readouterr().out
    assert run(["validate", "--strict", "--project", str(project)]) == 1


def test_a_line_that_may_hold_a_secret_is_not_quoted(project: Path, capsys: Captured) -> None:
    providers = project / "policies/providers.yaml"
    text = providers.read_text()
    providers.write_text(text.replace("{file: /etc/agentctl/anthropic}", "sk-ant-hunter2"))
    for form in ("text", "json", "github", "sarif"):
        assert run(["validate", "--project", str(project), "--format", form]) == 1
        assert "hunter2" not in capsys.readouterr().out


def test_schemas_are_listed_and_printed(capsys: Captured) -> None:
    assert run(["schema"]) == 0
    assert "playbook" in capsys.readouterr().out
    assert run(["schema", "routing"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "agentctl routing"
    assert run(["schema", "plybook"]) == 1
    assert "did you mean 'playbook'?" in capsys.readouterr().err


def test_inventory_explains_where_a_value_came_from(project: Path, capsys: Captured) -> None:
    (project / "host_vars").mkdir()
    (project / "host_vars/local.yaml").write_text("fleet: other\n")
    assert run(["inventory", "--host", "local", "--explain", "--project", str(project)]) == 0
    line = next(each for each in capsys.readouterr().out.splitlines() if each.startswith("fleet"))
    assert line.split(maxsplit=2)[1:] == [
        "other",
        "host_vars/local (host_vars/local.yaml:1), over group all (inventory.yaml:5)",
    ]
    assert run(["inventory", "--host", "lokal", "--project", str(project)]) == 1
    assert "did you mean 'local'?" in capsys.readouterr().err
    assert run(["inventory", "--explain", "--project", str(project)]) == 2
    assert "--explain wants --host" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--host", "local"]])
def test_an_inventory_that_cannot_be_read_is_no_empty_list(
    project: Path, capsys: Captured, words: list[str]
) -> None:
    (project / "inventory.yaml").write_text("all: [")
    assert run(["inventory", *words, "--project", str(project)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "inventory.yaml:2:1: error: this is not YAML" in said.err
    assert run(["inventory", *words, "--project", str(project / "nowhere")]) == 1
    assert "there is no directory" in capsys.readouterr().err


def test_init_says_where_it_cannot_write(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "file").write_text("")
    assert run(["init", str(tmp_path / "file/below")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"agentctl: {tmp_path / 'file/below'}")
    assert "can't be written: Not a directory; choose a directory that you may write to" in said


def test_output_that_can_not_be_written_is_said(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "agentctl", "validate", "--project", str(project)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (
        1,
        "agentctl: can't write: No space left on device\n",
    )


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        ("budget: {tokens: 500, turns: 0}", True),
        ("budget: {tokens: '{{ most }}', turns: 0}", True),
        ("budget: {tokens: sk-hunter2, turns: 0}", False),
        ("budget: {token: 5hunter2, turns: 0}", False),
    ],
)
def test_a_budgets_line_is_quoted_unless_it_may_hold_a_secret(
    project: Path, capsys: Captured, line: str, quoted: bool
) -> None:
    playbook = project / "playbooks/fleet.yaml"
    text = playbook.read_text().replace("      tags: [research]\n", f"      {line}\n", 1)
    playbook.write_text(text)
    assert run(["validate", "--project", str(project)]) == 1
    out = capsys.readouterr().out
    assert (f"| {' ' * 6}{line}" in out) is quoted


def test_an_agent_of_refused_keys_alone_is_in_nobodys_way(project: Path, capsys: Captured) -> None:
    (project / "playbooks/more.yaml").write_text(
        "- {name: x, hosts: private, agents: [{model: qwen3}]}\n"
    )
    words = ["inventory", "--project", str(project), "--host", "local", "--agent", "researcher"]
    assert run([*words, "--explain"]) == 0
    said = capsys.readouterr()
    assert "fleet" in said.out
    assert "'model' has no meaning here" in said.err
