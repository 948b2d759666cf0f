"""An agent's own `vars`: whom they win over, who wins over them, and what is odd about some."""

from pathlib import Path

import pytest

from agentctl.config import load
from agentctl.config.explain import explain
from agentctl.errors import NotFound

INVENTORY = """
all:
  vars: {fleet: acme, color: all}
  hosts:
    h1: {engine_url: "unix:///run/1.sock", color: host}
    h2: {engine_url: "unix:///run/2.sock"}
"""
PROVIDERS = """
providers:
  home: {kind: ollama, base_url: "http://127.0.0.1:1", model: m, boundary: private}
"""
ROUTING = "levels: [secret]\ndefault: secret\nboundaries: {private: secret}\n"
AGENT = "provider: home, clearance: secret"


def project(tmp_path: Path, agent: str, more: str = "") -> Path:
    texts = {
        "inventory.yaml": INVENTORY,
        "policies/providers.yaml": PROVIDERS,
        "policies/routing.yaml": ROUTING,
        "playbooks/vars/v.yaml": "color: file\n",
        "playbooks/p.yaml": f"- hosts: all\n{more}  agents:\n    - {agent}\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def images(root: Path, *extra: str) -> list[str]:
    loaded = load(root, extra_vars=extra)
    assert loaded.desired is not None, loaded.findings
    return [each.image for each in loaded.desired.agents]


def said(root: Path) -> list[str]:
    return [f"{each.line}:{each.column} {each.rule}" for each in load(root).findings]


OWN = f"{{name: a, image: 'i:{{{{ color }}}}', {AGENT}, vars: {{color: own}}}}"
FILES = "  vars: {color: play}\n  vars_files: [vars/v.yaml]\n"


def test_they_win_over_the_play_and_its_files(tmp_path: Path) -> None:
    assert images(project(tmp_path, OWN, FILES)) == ["i:own", "i:own"]


def test_extra_vars_win_over_them(tmp_path: Path) -> None:
    assert images(project(tmp_path, OWN, FILES), "color=extra") == ["i:extra", "i:extra"]


def test_they_are_this_agents_alone(tmp_path: Path) -> None:
    other = f"{OWN}\n    - {{name: b, image: 'i:{{{{ color }}}}', {AGENT}}}"
    assert images(project(tmp_path, other)) == ["i:own", "i:host", "i:own", "i:all"]


def test_they_see_the_loops_item_and_the_host(tmp_path: Path) -> None:
    agent = (
        f"{{name: 'w-{{{{ item }}}}', image: 'i:{{{{ tag }}}}', {AGENT}, loop: '{{{{ teams }}}}',"
        " vars: {tag: '{{ item }}-{{ inventory_hostname }}', teams: [a, b]}}"
    )
    assert images(project(tmp_path, agent)) == ["i:a-h1", "i:b-h1", "i:a-h2", "i:b-h2"]


def test_a_plays_variable_may_need_one_of_them(tmp_path: Path) -> None:
    agent = f"{{name: a, image: '{{{{ whole }}}}', {AGENT}, vars: {{tag: x}}}}"
    root = project(tmp_path, agent, "  vars: {whole: 'i:{{ tag }}'}\n")
    assert images(root) == ["i:x", "i:x"]
    assert not said(root)


def test_conditions_read_them(tmp_path: Path) -> None:
    agent = f"{{name: a, image: 'i:1', {AGENT}, vars: {{where: h2}}, when: inventory_hostname == where}}"
    loaded = load(project(tmp_path, agent))
    assert loaded.desired is not None, loaded.findings
    assert [each.host for each in loaded.desired.agents] == ["h2"]


def test_one_that_nothing_uses_is_a_warning_at_its_name(tmp_path: Path) -> None:
    agent = f"{{name: a, image: 'i:{{{{ color }}}}', {AGENT}, vars: {{colour: red}}}}"
    (found,) = load(project(tmp_path, agent)).findings
    assert str(found) == (
        "playbooks/p.yaml:3:83: warning: nothing of this agent uses the variable 'colour'"
    )
    assert found.suggestion == "did you mean 'color'?"


def test_one_of_a_declaration_without_templates_is_unused_too(tmp_path: Path) -> None:
    root = project(tmp_path, f"{{name: a, image: 'i:1', {AGENT}, vars: {{tag: x}}}}")
    assert said(root) == ["3:73 unused-variable"]


def test_one_of_a_declaration_that_holds_nowhere_is_not(tmp_path: Path) -> None:
    root = project(
        tmp_path, f"{{name: a, image: 'i:{{{{ tag }}}}', {AGENT}, vars: {{tag: x}}, when: false}}"
    )
    assert "unused-variable" not in str(said(root))


def test_what_a_host_is_cannot_be_given(tmp_path: Path) -> None:
    agent = (
        f"{{name: a, image: 'i:{{{{ inventory_hostname }}}}', {AGENT},"
        " vars: {inventory_hostname: other}}"
    )
    root = project(tmp_path, agent, "  vars: {group_names: []}\n")
    assert images(root) == ["i:h1", "i:h2"]
    assert [each.partition(" ")[2] for each in said(root)] == ["reserved-variable"] * 2


def test_a_loop_that_hides_a_variable_is_told(tmp_path: Path) -> None:
    agent = (
        f"{{name: 'w-{{{{ item }}}}', image: 'i:{{{{ item }}}}', {AGENT}, loop: [a],"
        " vars: {item: b}}"
    )
    root = project(tmp_path, agent)
    assert images(root) == ["i:a", "i:a"]
    assert "shadowed-variable" in str(said(root))


def test_an_item_changes_what_was_made_of_the_variable_that_it_hides(tmp_path: Path) -> None:
    agent = (
        f"{{name: 'w-{{{{ item }}}}', image: 'i:{{{{ tag }}}}', {AGENT},"
        " loop: '{{ [tag, item] }}', vars: {item: b, tag: 't-{{ item }}'}}"
    )
    assert images(project(tmp_path, agent))[:2] == ["i:t-b", "i:t-t-b"]


def test_defaults_for_agents_hold_no_vars(tmp_path: Path) -> None:
    more = "  agent_defaults: {vars: {color: red}}\n"
    findings = load(project(tmp_path, OWN, more)).findings
    assert "say them under the play's `vars`" in str(findings[0])


def explained(root: Path, *extra: str) -> str:
    found = explain(root, "h1", agent="a", extra_vars=extra)
    (color,) = (each for each in found.variables if each.name == "color")
    return f"{color.value}: {', '.join([color.layer, *(layer for layer, _ in color.overrides)])}"


def test_every_layer_of_an_agents_variable_is_explained(tmp_path: Path) -> None:
    root = project(tmp_path, OWN, FILES)
    below = "agent vars, vars_files, play vars, host h1, group all"
    assert explained(root) == f"own: {below}"
    assert explained(root, "color=x") == f"x: -e, {below}"


def test_an_agent_that_is_not_on_the_host_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no play declares an agent 'b' on h1"):
        explain(project(tmp_path, OWN), "h1", agent="b")


def test_a_default_of_the_play_is_made_with_each_agents_own(tmp_path: Path) -> None:
    more = "  agent_defaults: {image: 'i:{{ tag }}', provider: home, clearance: secret}\n"
    agents = "{name: a, vars: {tag: x}}\n    - {name: b, vars: {tag: y}}"
    assert images(project(tmp_path, agents, more)) == ["i:x", "i:y", "i:x", "i:y"]
