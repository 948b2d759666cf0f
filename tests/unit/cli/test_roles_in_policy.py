"""The tools say what the hub says of a role: `policy explain`, `policy test` and `policy matrix`."""

import json
from pathlib import Path

import pytest

from agentctl.cli import run
from agentctl.errors import Refused
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.policy.roles import TAKEN, unfit
from agentctl.service.roles import require_role

Captured = pytest.CaptureFixture[str]
RULES = """\
rules:
  - {name: anybody, allow: "*", from: "*", to: "*"}
  - {name: viewers see, allow: declassify, from: "role:viewer", to: "*"}
  - {name: never bob, deny: declassify, from: "operator:bob"}
"""
LOWER = ["declassify", "--from", "operator:token:ada", "--to", "task:x"]
SUBMIT = ["task.submit", "--from", "operator:token:ada", "--to", "agent:clerk"]


@pytest.fixture
def project(tmp_path: Path, capsys: Captured) -> Path:
    assert run(["init", str(tmp_path / "fleet")]) == 0
    (tmp_path / "fleet/policies/access.yaml").write_text(RULES)
    capsys.readouterr()
    return tmp_path / "fleet"


def explain(project: Path, capsys: Captured, *words: str, code: int) -> str:
    assert run(["policy", "explain", "--project", str(project), *words]) == code
    return capsys.readouterr().out.splitlines()[0]


@pytest.mark.parametrize("role", ["operator", "viewer", "ci", "king"])
def test_a_declassification_takes_an_admin(project: Path, capsys: Captured, role: str) -> None:
    said = explain(project, capsys, *LOWER, "--role", role, code=3)
    assert said == "no: declassify takes the role admin"
    assert (
        explain(project, capsys, *LOWER, "--role", "admin", code=0) == "yes: allowed by 'anybody'"
    )


def test_without_a_role_it_is_said_which_it_takes(project: Path, capsys: Captured) -> None:
    said = explain(project, capsys, *LOWER, code=0)
    assert said == "yes: allowed by 'anybody', with the role admin"
    said = explain(project, capsys, *SUBMIT, code=0)
    assert said == "yes: allowed by 'anybody', with the role admin or operator"


def test_a_task_is_submitted_by_operators(project: Path, capsys: Captured) -> None:
    said = explain(project, capsys, *SUBMIT, "--role", "viewer", code=3)
    assert said == "no: task.submit takes the role admin or operator"
    assert explain(project, capsys, *SUBMIT, "--role", "operator", code=0).startswith("yes: ")


def test_an_agent_has_no_role(project: Path, capsys: Captured) -> None:
    said = explain(project, capsys, *LOWER, "--from", "agent:clerk", code=3)
    assert said == "no: declassify takes the role admin"


def test_where_no_rule_allows_it_a_rule_would_not_be_enough(
    project: Path, capsys: Captured
) -> None:
    (project / "policies/access.yaml").write_text("rules: []\n")
    said = explain(project, capsys, *LOWER, "--role", "operator", code=3)
    assert said.startswith("no: no rule allows")
    assert said.endswith("; declassify takes the role admin")


def test_a_deny_keeps_its_name(project: Path, capsys: Captured) -> None:
    said = explain(project, capsys, *LOWER, "--from", "operator:bob", "--role", "ci", code=3)
    assert said == "no: denied by 'never bob'"


def test_cases_know_roles(project: Path, capsys: Captured) -> None:
    question = "{verb: declassify, from: 'operator:ada', to: 'task:x', role: operator}"
    case = f"tests:\n  - name: n\n    question: {question}\n    expect: deny\n    rule: roles\n"
    (project / "policies/tests/access.yaml").write_text(case)
    assert run(["policy", "test", "--project", str(project)]) == 0


def test_the_matrix_knows_roles(project: Path, capsys: Captured) -> None:
    asked = ["policy", "matrix", "--project", str(project), "--from", "role:*", "-o", "json"]
    assert run(asked) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    said = {(each["verb"], each["principal"], each["decision"], each["rule"]) for each in rows}
    assert said == {
        ("task.submit", "role:viewer", "deny", "roles"),
        ("declassify", "role:admin", "allow", "anybody"),
    }


@pytest.mark.parametrize("verb", sorted(TAKEN))
@pytest.mark.parametrize("role", list(Role))
def test_the_tools_refuse_the_roles_that_the_hub_refuses(verb: str, role: Role) -> None:
    try:
        require_role(OperatorPrincipal(name="ada", role=role), TAKEN[verb], verb)
    except Refused:
        assert unfit(verb, "operator:ada", role.value)
    else:
        assert unfit(verb, "operator:ada", role.value) == ""
