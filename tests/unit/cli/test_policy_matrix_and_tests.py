"""`policy matrix`, `policy test` and `policy explain`, as a person or CI calls them."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentctl.cli import run

Captured = pytest.CaptureFixture[str]
RULES = """\
rules:
  - {name: dispatch, allow: task.submit, from: "operator:*", to: "agent:*"}
  - {name: no ci for clerk, deny: task.submit, from: "role:ci", to: "agent:clerk"}
  - {name: temps by day, deny: task.submit, from: "operator:temp-[ab]*", days: [sat, sun], zone: Europe/Berlin}
  - {name: reports, allow: message.send, from: "agent:researcher", to: "agent:clerk", types: [request]}
"""


@pytest.fixture
def project(tmp_path: Path, capsys: Captured) -> Path:
    assert run(["init", str(tmp_path / "fleet")]) == 0
    (tmp_path / "fleet/policies/access.yaml").write_text(RULES)
    capsys.readouterr()
    return tmp_path / "fleet"


def policy(project: Path, capsys: Captured, *words: str, code: int = 0) -> str:
    said = run(["policy", words[0], "--project", str(project), *words[1:]])
    out = capsys.readouterr()
    assert said == code, out
    return out.out


def rows(project: Path, capsys: Captured, *words: str) -> list[dict[str, Any]]:
    out = policy(project, capsys, "matrix", "-o", "json", *words)
    found: list[dict[str, Any]] = json.loads(out)["rows"]
    return found


def cases(project: Path, text: str) -> None:
    (project / "policies/tests/access.yaml").write_text(text)


def test_the_matrix_shows_equal_levels_together(project: Path, capsys: Captured) -> None:
    said = policy(project, capsys, "matrix", "--to", "agent:clerk")
    assert [" ".join(line.split()) for line in said.splitlines()] == [
        "PRINCIPAL VERB TYPE TARGET LEVELS DECISION RULE",
        "operator:* task.submit agent:clerk all allow dispatch",
        "role:ci task.submit agent:clerk all deny no ci for clerk",
        "operator:temp-[ab]* task.submit agent:clerk all allow dispatch (unless temps by day)",
        "operator:temp-[ab]* as role:ci task.submit agent:clerk all deny no ci for clerk",
        "agent:researcher message.send request agent:clerk public, internal, confidential allow reports",
    ]


def test_the_matrix_has_a_row_for_each_level(project: Path, capsys: Captured) -> None:
    found = rows(project, capsys, "--from", "operator:[*]", "--to", "agent:thinker")
    submit = [each for each in found if each["verb"] == "task.submit"]
    assert submit[0] == {
        "principal": "operator:*",
        "verb": "task.submit",
        "type": "",
        "target": "agent:thinker",
        "level": "public",
        "decision": "allow",
        "rule": "dispatch",
        "unless": [],
    }
    assert [(each["level"], each["rule"]) for each in submit] == [
        ("public", "dispatch"),
        ("internal", "dispatch"),
        ("confidential", "clearance"),
        ("restricted", "clearance"),
    ]


def test_a_verb_that_is_none_is_refused(project: Path, capsys: Captured) -> None:
    assert run(["policy", "matrix", "--project", str(project), "--verb", "task.submitt"]) == 2
    assert "did you mean 'task.submit'?" in capsys.readouterr().err


def test_what_init_writes_passes_its_own_tests(tmp_path: Path, capsys: Captured) -> None:
    assert run(["init", str(tmp_path)]) == 0
    assert (tmp_path / "schemas/policy-test.schema.json").is_file()
    capsys.readouterr()
    assert policy(tmp_path, capsys, "test") == "4 cases, all decided as expected.\n"
    assert run(["validate", "--strict", "--project", str(tmp_path)]) == 0


FAILING = """\
tests:
  - name: temps stay out at weekends
    question: {verb: task.submit, from: "operator:temp-b1", to: "agent:clerk", at: "2026-07-11T12:00Z"}
    expect: deny
    rule: temps by day
  - name: temps may work on Mondays
    question: {verb: task.submit, from: "operator:temp-b1", to: "agent:clerk", at: "2026-07-06T12:00Z"}
    expect: deny
  - name: somebody may
    question: {verb: task.submit, from: "operator:ada", to: "agent:clerk"}
    expect: allow
    rule: dispach
"""


def test_a_case_that_fails_says_what_was_expected_and_what_decided(
    project: Path, capsys: Captured
) -> None:
    cases(project, FAILING)
    said = policy(project, capsys, "test", code=1)
    assert "policies/tests/access.yaml:8:13: error: temps may work on Mondays: " in said
    assert "expected deny, decided allow by 'dispatch'" in said
    assert "policies/tests/access.yaml:12:11: error: somebody may: " in said
    assert "expected allow by 'dispach', decided allow by 'dispatch'" in said
    assert "did you mean 'dispatch'?" in said
    assert said.endswith("\n\n3 cases, 2 decided otherwise.\n")


def test_results_come_as_json_and_as_annotations(project: Path, capsys: Captured) -> None:
    cases(project, FAILING)
    found = json.loads(policy(project, capsys, "test", "-o", "json", code=1))
    assert (found["passed"], found["failed"], found["errors"]) == (1, 2, 2)
    assert [each["passed"] for each in found["cases"]] == [True, False, False]
    assert found["cases"][0]["rule"] == "temps by day"
    annotated = policy(project, capsys, "test", "--format", "github", code=1)
    assert annotated.startswith("::error file=policies/tests/access.yaml,line=8,col=13,")


def test_nothing_to_annotate_prints_nothing(tmp_path: Path, capsys: Captured) -> None:
    assert run(["init", str(tmp_path / "fleet")]) == 0
    capsys.readouterr()
    assert policy(tmp_path / "fleet", capsys, "test", "--format", "github") == ""


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("verb: task.submitt, from: 'operator:a'", ":3:22: error: unknown verb 'task.submitt'"),
        ("verb: task.submit, from: 'operator:*'", "expected operator:NAME or agent:NAME, without"),
        (
            "verb: task.submit, from: 'operator:a', sensitivity: secret",
            "error: unknown level 'secret'",
        ),
        (
            "verb: task.submit, from: 'operator:a', at: '2026-02-30T12:00Z'",
            "expected a day and time that there is",
        ),
        ("verb: task.submit, from: 'operator:a', whom: x", "unknown key 'whom'"),
    ],
)
def test_a_question_that_cannot_be_asked_is_a_finding(
    project: Path, capsys: Captured, question: str, said: str
) -> None:
    cases(project, f"tests:\n  - name: n\n    question: {{{question}}}\n    expect: deny\n")
    assert said in policy(project, capsys, "test", code=1)


def test_an_agent_that_is_none_is_a_warning(project: Path, capsys: Captured) -> None:
    question = "verb: task.submit, from: 'agent:clerk', to: 'agent:clark'"
    cases(project, f"tests:\n  - name: n\n    question: {{{question}}}\n    expect: deny\n")
    said = policy(project, capsys, "test")
    assert "warning: unknown agent 'clark'" in said
    assert "did you mean 'clerk'?" in said


def test_files_and_folders_may_be_named(project: Path, tmp_path: Path, capsys: Captured) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(FAILING)
    assert str(other) in policy(project, capsys, "test", str(other), code=1)
    cases(project, FAILING)
    assert "3 cases" in policy(project, capsys, "test", str(project / "policies/tests"), code=1)
    policy(project, capsys, "test", str(tmp_path / "none.yaml"), code=1)


def test_no_cases_at_all_is_no_success(project: Path, capsys: Captured) -> None:
    (project / "policies/tests/access.yaml").unlink()
    assert run(["policy", "test", "--project", str(project)]) == 1
    assert "there are no policy tests" in capsys.readouterr().err


def test_an_explanation_knows_time_labels_and_clearance(project: Path, capsys: Captured) -> None:
    asked = ["explain", "task.submit", "--from", "operator:temp-a", "--to", "agent:thinker"]
    monday = [*asked, "--sensitivity", "public", "--at", "2026-07-06T12:00Z"]
    assert policy(project, capsys, *monday).startswith("yes: allowed by 'dispatch'")
    weekend = [*monday[:-1], "2026-07-11T12:00Z"]
    assert policy(project, capsys, *weekend, code=3).startswith("no: denied by 'temps by day'")
    above = policy(project, capsys, *asked, "--at", "2026-07-06T12:00Z", code=3)
    assert above.startswith("no: agent:thinker is cleared for internal, the work is confidential")
    assert "allow dispatch: allows, but the clearance denies" in above


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("between: ['08:00', '8pm']", "expected a time such as 08:00"),
        ("between: ['08:00', '08:00']", "begins and ends at 08:00"),
        ("days: [mo]", "expected one of mon"),
        ("zone: Europe/Berlin", "between or days beside zone is missing"),
        ("days: [mon], zone: Europe/Berlim", "did you mean 'Europe/Berlin'?"),
    ],
)
def test_hours_that_make_no_sense_are_findings(
    project: Path, capsys: Captured, more: str, said: str
) -> None:
    rule = f"rules:\n  - {{name: r, allow: task.submit, from: 'operator:*', {more}}}\n"
    (project / "policies/access.yaml").write_text(rule)
    assert run(["validate", "--project", str(project)]) == 1
    assert said in capsys.readouterr().out


NEWER = """\
rules:
  - {name: dispatch, allow: task.submit, from: "operator:*", to: "agent:*"}
  - {name: ci too, allow: task.submit, from: "role:ci", to: "agent:clerk"}
  - {name: step by step, allow: declassify, from: "role:admin", types: [internal]}
  - {name: admins, allow: declassify, from: "role:admin", levels: [internal]}
  - {name: talk, allow: message.send, from: "agent:*", to: "agent:clerk", types: [request, finding]}
  - {name: share, allow: task.delegate, from: "agent:researcher", to: "agent:clerk", labels: {bulk: "true"}}
  - {name: no keys, deny: secret.read, from: "agent:*", to: "secret:key"}
  - {name: nights off, deny: model.call, from: "agent:*", to: "provider:*opus", between: ["22:00", "06:00"]}
"""


@pytest.fixture
def newer(project: Path) -> Path:
    (project / "policies/access.yaml").write_text(NEWER)
    fleet = project / "playbooks/fleet.yaml"
    secrets = "secrets: [{name: key, from: {file: /etc/key}}, {name: other, from: {file: /etc/o}}]"
    text = fleet.read_text().replace("- name: clerk\n", f"- name: clerk\n      {secrets}\n")
    fleet.write_text(text)
    return project


def shown(project: Path, capsys: Captured, *words: str) -> list[str]:
    said = policy(project, capsys, "matrix", *words)
    return [" ".join(line.split()) for line in said.splitlines()[1:]]


def test_messages_are_shown_by_type(newer: Path, capsys: Captured) -> None:
    said = shown(newer, capsys, "--verb", "message.send", "--from", "agent:researcher")
    some = "public, internal, confidential"
    assert said == [
        f"agent:researcher message.send request agent:clerk {some} allow talk",
        f"agent:researcher message.send reply, broadcast agent:clerk {some} deny default-deny (unless talk)",
    ]


def test_delegation_is_between_agents_and_submits_are_operators(
    newer: Path, capsys: Captured
) -> None:
    some = "public, internal, confidential"
    assert shown(newer, capsys, "--verb", "task.delegate") == [
        f"agent:researcher task.delegate agent:clerk {some} deny default-deny (unless share)",
    ]
    who = {each["principal"] for each in rows(newer, capsys, "--verb", "task.submit")}
    assert who == {"operator:*", "role:admin", "role:ci"}


def test_a_role_that_may_submit_nothing_is_said_to_be_refused(
    newer: Path, capsys: Captured
) -> None:
    said = shown(newer, capsys, "--verb", "task.submit", "--from", "role:ci", "--to", "agent:clerk")
    assert said == ["role:ci task.submit agent:clerk all deny roles"]


def test_what_is_declared_is_allowed_until_a_rule_takes_it_back(
    newer: Path, capsys: Captured
) -> None:
    assert shown(newer, capsys, "--verb", "secret.read", "--verb", "model.call") == [
        "agent:clerk secret.read secret:key restricted deny no keys",
        "agent:clerk secret.read secret:other restricted allow declared",
        "agent:clerk model.call provider:ollama-qwen3 all allow declared",
        "agent:researcher model.call provider:ollama-qwen3 public, internal, confidential allow declared",
        "agent:thinker model.call provider:claude-opus public, internal allow declared (unless nights off)",
    ]


def test_a_declassification_says_from_which_level_to_which(newer: Path, capsys: Captured) -> None:
    assert shown(newer, capsys, "--verb", "declassify") == [
        "role:admin declassify public task:* internal allow admins",
        "role:admin declassify internal task:* confidential, restricted allow step by step",
    ]
    assert run(["validate", "--project", str(newer)]) == 0
    assert "neither a message type" not in capsys.readouterr().out


def test_every_row_has_the_same_names(newer: Path, capsys: Captured) -> None:
    names = {tuple(each) for each in rows(newer, capsys)}
    assert names == {
        ("principal", "verb", "type", "target", "level", "decision", "rule", "unless"),
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            "model.call --from agent:clerk --to provider:ollama-qwen3",
            0,
            "yes: agent:clerk declares",
        ),
        (
            "model.call --from agent:clerk --to provider:claude-opus",
            3,
            "no: agent:clerk doesn't declare",
        ),
        ("secret.read --from agent:clerk --to secret:key", 3, "no: denied by 'no keys'"),
        (
            "model.call --from agent:thinker --to provider:claude-opus --sensitivity restricted",
            3,
            "no: restricted may not cross boundary public",
        ),
    ],
)
def test_an_explanation_knows_what_is_declared(
    newer: Path, capsys: Captured, words: str, code: int, said: str
) -> None:
    assert policy(newer, capsys, "explain", *words.split(), code=code).startswith(said)
