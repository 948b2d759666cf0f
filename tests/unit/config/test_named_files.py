"""group_vars/ and host_vars/: which files count for a name, as ansible-inventory has it."""

from pathlib import Path

import pytest

from agentctl.config.explain import explain
from agentctl.config.finding import Finding

INVENTORY = """\
all:
  vars: {fleet: acme}
  children:
    web:
      hosts:
        h1.example.com: {engine_url: "process:"}
"""


def seen(project: Path, **files: str) -> tuple[str, list[Finding]]:
    """Return the variables that files give the host, and what was found."""
    (project / "inventory.yaml").write_text(INVENTORY)
    for name, text in files.items():
        path = project / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = explain(project, "h1.example.com")
    given = {each.name: each.value for each in found.variables if each.layer.count("_vars/")}
    return " ".join(f"{name}={value}" for name, value in given.items()), list(found.findings)


@pytest.mark.parametrize(
    ("files", "variables"),
    [
        ({"group_vars__all": "a: 1\n"}, "a=1"),
        ({"group_vars__web.json": '{"a": 1}\n'}, "a=1"),
        ({"host_vars__h1.example.com": "a: 1\n"}, "a=1"),
        ({"host_vars__h1.example.com.yml": "a: 1\n"}, "a=1"),
        ({"host_vars__h1.example.com__x.yml": "a: 1\n"}, "a=1"),
        (
            {"group_vars__web__b.yml": "a: b\nb: 2\n", "group_vars__web__a": "a: a\nc: 3\n"},
            "a=b b=2 c=3",
        ),
        (
            {"group_vars__web__b.yml": "a: b\n", "group_vars__web__c__d.json": '{"a": "d"}'},
            "a=d",
        ),
        ({"group_vars__web__.a.yml": "a: 1\n", "group_vars__web__a.yml~": "a: 1\n"}, ""),
        ({"group_vars__web__a.txt": "a: 1\n", "group_vars__README.md": "# a: 1\n"}, ""),
        ({"group_vars__web.yml": "", "group_vars__all.yml": "# later\n"}, ""),
        ({"group_vars__web.yml": "---\n", "group_vars__all.yml": "a: 1\n"}, "a=1"),
    ],
)
def test_a_file_counts_as_it_does_in_ansible(
    tmp_path: Path, files: dict[str, str], variables: str
) -> None:
    assert seen(tmp_path, **files) == (variables, [])


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ("group_vars__web__a.yml", "group_vars__web.yml"),
        ("group_vars__web", "group_vars__web.yml"),
        ("group_vars__web.yml", "group_vars__web.yaml"),
        ("group_vars__web.yaml", "group_vars__web.json"),
    ],
)
def test_one_of_several_counts_alone_and_the_other_is_told(
    tmp_path: Path, counts: str, hidden: str
) -> None:
    variables, findings = seen(tmp_path, **{counts: "a: 1\n", hidden: '{"a": 2, "b": 2}\n'})
    assert variables == "a=1"
    (told,) = findings
    assert (told.rule, told.severity, told.file) == (
        "unread-file",
        "warning",
        hidden.replace("__", "/"),
    )


def test_variables_for_nobody_are_told_with_their_file(tmp_path: Path) -> None:
    _, (told,) = seen(tmp_path, **{"group_vars__wbe.yml": "a: 1\n"})
    assert str(told) == (
        "group_vars/wbe.yml: warning: group_vars for 'wbe', which the inventory doesn't have"
    )
    assert told.suggestion == "did you mean 'web'?"


def test_folders_that_lead_to_each_other_are_read_once(tmp_path: Path) -> None:
    seen(tmp_path, **{"group_vars__web__a.yml": "a: 1\n"})
    (tmp_path / "group_vars/web/again").symlink_to(tmp_path / "group_vars/web")
    assert seen(tmp_path) == ("a=1", [])
