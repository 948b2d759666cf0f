"""Loading a project: precedence, loops, conditions, tags, limits, and what comes out."""

import errno
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from agentctl import resources
from agentctl.config import expansion, files, inventory, load
from agentctl.config.explain import explain
from agentctl.config.loaded import Loaded
from agentctl.errors import ConfigError, NotFound
from agentctl.model.digest import desired_digest
from agentctl.model.fleet import ExecutorKind, Isolation, Source, SourceKind

POLICIES = {
    "policies/providers.yaml": (
        "providers:\n"
        "  home: {kind: ollama, base_url: 'http://127.0.0.1:1', model: m, boundary: private}\n"
    ),
    "policies/routing.yaml": (
        "levels: [public, secret]\ndefault: secret\nboundaries: {public: public, private: secret}\n"
    ),
}
INVENTORY = """
all:
  vars: {fleet: acme, color: all}
  children:
    outer:
      vars: {color: outer}
      children:
        inner:
          vars: {color: inner}
          hosts:
            h1: {engine_url: "unix:///run/1.sock", color: host}
            h2: {engine_url: "unix:///run/2.sock"}
    bare:
      hosts:
        h3: {engine_url: "process:", isolation: none}
        ssh-only: {ansible_host: 10.0.0.9}
"""
AGENT = "image: 'i:1', provider: home, clearance: public"


def project(tmp_path: Path, **files: str) -> Path:
    written = {"inventory.yaml": INVENTORY, **POLICIES}
    written.update({name.replace("__", "/") + ".yaml": text for name, text in files.items()})
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def play(agents: str, hosts: str = "all:!ssh-only", more: str = "") -> str:
    return f"- hosts: {hosts!r}\n{more}  agents:\n    - {agents}\n"


def names(loaded: Loaded) -> str:
    assert loaded.desired is not None, loaded.findings
    return " ".join(f"{each.host}/{each.name}" for each in loaded.desired.agents)


def rules(loaded: Loaded) -> list[str]:
    assert loaded.desired is None or not loaded.errors
    return [each.rule for each in loaded.findings]


def test_the_sample_project_routes_its_three_demo_tasks_apart() -> None:
    desired = load(resources.root()).desired
    assert desired is not None
    assert desired.fleet == "acme"
    assert [
        (each.name, each.provider, each.clearance, each.replicas) for each in desired.agents
    ] == [
        ("clerk", "ollama-qwen3", "restricted", 1),
        ("researcher", "ollama-qwen3", "confidential", 2),
        ("thinker", "claude-opus", "internal", 1),
    ]
    assert desired.routing.default == "confidential"
    assert [each.name for each in desired.routing.routes] == [
        "deep reasoning",
        "bulk work is free at home",
    ]
    assert {each.executor.kind for each in desired.agents} == {ExecutorKind.CLAUDE_CODE}
    assert desired.providers[0].api_key == Source(
        kind=SourceKind.FILE, name="/etc/agentctl/anthropic"
    )


def test_variables_choose_executor_and_image_of_the_sample() -> None:
    desired = load(resources.root(), extra_vars=["executor=messages-api image=other:2"]).desired
    assert desired is not None
    assert {each.executor.kind for each in desired.agents} == {ExecutorKind.MESSAGES_API}
    assert {each.image for each in desired.agents} == {"other:2"}


def test_every_sample_file_begins_with_its_modeline() -> None:
    for path in [
        resources.root() / "inventory.yaml",
        *sorted((resources.root() / "playbooks").glob("*.yaml")),
        *sorted((resources.root() / "policies").glob("*.yaml")),
    ]:
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (path.parent / first.partition("=")[2]).resolve().is_file()


def test_loading_twice_gives_the_same_digest() -> None:
    one, two = load(resources.root()).desired, load(resources.root()).desired
    assert one is not None
    assert two is not None
    assert desired_digest(one) == desired_digest(two)
    with pytest.raises(FrozenInstanceError):
        one.fleet = "other"  # type: ignore[misc]


def test_an_agent_stands_once_on_every_host_of_its_play(tmp_path: Path) -> None:
    loaded = load(project(tmp_path, playbooks__a=play(f"{{name: a, {AGENT}}}")))
    assert names(loaded) == "h1/a h2/a h3/a"
    assert loaded.desired is not None
    assert [each.name for each in loaded.desired.hosts] == ["h1", "h2", "h3"]
    assert loaded.desired.hosts[0].groups == ("inner", "outer")
    assert loaded.desired.hosts[2].isolation is Isolation.NONE


LAYERS = {
    "group_vars__all": "color: group_vars_all\n",
    "group_vars__inner": "color: group_vars_inner\n",
    "host_vars__h2": "color: host_vars\n",
}


@pytest.mark.parametrize(
    ("files", "more", "extra", "h1", "h2"),
    [
        ({}, "", (), "host", "inner"),
        ({"group_vars__all": LAYERS["group_vars__all"]}, "", (), "host", "group_vars_all"),
        ({"group_vars__inner": LAYERS["group_vars__inner"]}, "", (), "host", "group_vars_inner"),
        (LAYERS, "", (), "host", "host_vars"),
        (LAYERS, "  vars: {color: play}\n", (), "play", "play"),
        (
            LAYERS | {"playbooks__vars__v": "color: file\n"},
            "  vars: {color: play}\n  vars_files: [vars/v.yaml]\n",
            (),
            "file",
            "file",
        ),
        (LAYERS, "  vars: {color: play}\n", ("color=extra",), "extra", "extra"),
    ],
)
def test_precedence_is_ansibles(
    tmp_path: Path, files: dict[str, str], more: str, extra: tuple[str, ...], h1: str, h2: str
) -> None:
    agent = "{name: a, image: 'i:{{ color }}', provider: home, clearance: public}"
    root = project(tmp_path, playbooks__a=play(agent, "inner", more), **files)
    loaded = load(root, extra_vars=extra)
    assert loaded.desired is not None, loaded.findings
    assert [each.image for each in loaded.desired.agents] == [f"i:{h1}", f"i:{h2}"]


@pytest.mark.parametrize(
    ("priority", "image"), [("5", "i:aa"), ("'5'", "i:aa"), ("-1", "i:bb"), ("'-1'", "i:bb")]
)
def test_a_groups_priority_may_be_quoted(tmp_path: Path, priority: str, image: str) -> None:
    agent = "{name: a, image: 'i:{{ x }}', provider: home, clearance: public}"
    root = project(tmp_path, inventory=SIDE_BY_SIDE % priority, playbooks__a=play(agent, "all"))
    desired = load(root).desired
    assert desired is not None
    assert [each.image for each in desired.agents] == [image]


SIDE_BY_SIDE = """
all:
  vars: {fleet: acme, engine_url: "process:", isolation: none}
  children:
    aa: {hosts: {h1: }, vars: {x: aa, ansible_group_priority: %s}}
    bb: {hosts: {h1: }, vars: {x: bb}}
"""


@pytest.mark.parametrize("priority", ["high", "1.5", "'{{ 5 }}'", "true", "[5]"])
def test_a_priority_that_is_no_number_is_a_finding(tmp_path: Path, priority: str) -> None:
    root = project(tmp_path, inventory=SIDE_BY_SIDE % priority)
    (told,) = [each for each in load(root).errors if each.rule == "group-priority"]
    assert (told.line, told.path) == (5, "all.children.aa.vars.ansible_group_priority")


def test_hosts_in_no_other_group_are_ungrouped(tmp_path: Path) -> None:
    hosts = "all:\n  vars: {fleet: acme, engine_url: 'process:', isolation: none}\n"
    hosts += "  hosts: {h1: , h2: }\n  children: {g: {hosts: {h2: }}}\nungrouped: {hosts: {h2: }}\n"
    agent = "{name: a, image: 'i:{{ x }}', provider: home, clearance: public}"
    root = project(
        tmp_path,
        inventory=hosts,
        group_vars__ungrouped="x: 1\n",
        playbooks__a=play(agent, "ungrouped"),
    )
    assert names(load(root)) == "h1/a"
    assert explain(root, "h1").groups == ()


def test_a_group_in_itself_is_told_where_it_is_named_again(tmp_path: Path) -> None:
    text = "all:\n  children:\n    a:\n      children:\n        b:\n          children: {a: }\n"
    (told,) = [
        each for each in load(project(tmp_path, inventory=text)).findings if "circle" in each.rule
    ]
    assert (told.line, told.column) == (6, 22)


def test_groups_in_groups_that_come_to_too_much_are_one_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = [f"    g{at}: {{children: {{g{at + 1}: }}, hosts: {{h{at}: }}}}" for at in range(9)]
    text = "\n".join(["all:", "  vars: {fleet: acme}", "  children:", *chain, ""])
    assert "too-large" not in rules(load(project(tmp_path, inventory=text)))
    monkeypatch.setattr(inventory, "MEMBERSHIPS_MAX", 30)  # 8 + 7 + … are 36
    (told,) = load(project(tmp_path, inventory=text)).errors
    assert (told.rule, told.file, told.line) == ("too-large", "inventory.yaml", 2)


def test_a_loop_declares_an_agent_for_each_item(tmp_path: Path) -> None:
    text = play(
        f"{{name: 'w-{{{{ team.name }}}}-{{{{ n }}}}', {AGENT}, loop: '{{{{ teams }}}}',"
        " loop_control: {loop_var: team, index_var: n}}",
        "h1",
        "  vars: {teams: [{name: a}, {name: b}]}\n",
    )
    assert names(load(project(tmp_path, playbooks__a=text))) == "h1/w-a-0 h1/w-b-1"


def test_when_decides_for_each_host_and_item(tmp_path: Path) -> None:
    text = play(
        f"{{name: 'w-{{{{ item }}}}', {AGENT}, loop: [1, 2, 3],"
        " when: ['item > 1', \"inventory_hostname != 'h2' or item == 3\"]}"
    )
    assert names(load(project(tmp_path, playbooks__a=text))) == "h1/w-2 h1/w-3 h2/w-3 h3/w-2 h3/w-3"


def test_an_agent_of_refused_keys_alone_is_told_once(tmp_path: Path) -> None:
    root = project(tmp_path, playbooks__a=play("{model: qwen3}", "h1"))
    assert [(each.rule, each.path) for each in load(root).findings] == [
        ("refused-key", "[0].agents[0].model")
    ]


@pytest.mark.parametrize(
    ("options", "left", "partial"),
    [
        ({}, "a b c", False),
        ({"tags": ["x"]}, "a c", True),
        ({"tags": ["x"], "skip_tags": ["y"]}, "a c", True),
        ({"skip_tags": ["x"]}, "b c", True),
        ({"skip_tags": ["all"]}, "c", True),
        ({"skip_tags": ["all", "x"]}, "c", True),
        ({"skip_tags": ["all"], "tags": ["x"]}, "c", True),
        ({"skip_tags": ["always"]}, "a b", True),
        ({"tags": ["untagged"]}, "c", True),
        ({"tags": ["never"]}, "c d", True),
    ],
)
def test_tags_select_as_ansibles_do(
    tmp_path: Path, options: dict[str, Any], left: str, partial: bool
) -> None:
    text = (
        "- hosts: h1\n  agents:\n"
        f"    - {{name: a, {AGENT}, tags: [x]}}\n"
        f"    - {{name: b, {AGENT}, tags: [y]}}\n"
        f"    - {{name: c, {AGENT}, tags: always}}\n"
        f"    - {{name: d, {AGENT}, tags: never}}\n"
    )
    if options.get("tags") == ["untagged"]:
        text = text.replace(", tags: always", "")
    loaded = load(project(tmp_path, playbooks__a=text), **options)
    assert names(loaded).replace("h1/", "") == left
    assert loaded.partial is (partial or not options)  # `never` is left out without being asked


def test_a_limited_fleet_says_that_it_is_partial(tmp_path: Path) -> None:
    root = project(tmp_path, playbooks__a=play(f"{{name: a, {AGENT}}}"))
    loaded = load(root, limit="inner:!h2")
    assert names(loaded) == "h1/a"
    assert loaded.partial
    assert loaded.desired is not None
    assert [each.name for each in loaded.desired.hosts] == ["h1"]
    assert rules(load(root, limit="nowhere")) == ["unknown-host"]
    assert [str(each) for each in load(root, limit="nowhere*").findings] == [
        "error: --limit: no host matches 'nowhere*'"
    ]


def test_defaults_of_a_play_are_replaced_whole(tmp_path: Path) -> None:
    more = (
        "  agent_defaults: {image: 'i:1', provider: home, clearance: public,"
        " resources: {cpus: 4, pids: 100}}\n"
    )
    root = project(tmp_path, playbooks__a=play("{name: a, resources: {cpus: 2}}", "h1", more))
    desired = load(root).desired
    assert desired is not None
    assert (desired.agents[0].resources.cpus, desired.agents[0].resources.pids) == (2.0, 256)


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("inventory", "all:\n  hosts: {h1: {engine_url: 'process:'}}\n", "missing-fleet"),
        ("inventory", "all:\n  vars: {fleet: a_b}\n", "bad-fleet"),
        ("inventory", "all: {children: {a: {children: {b: {children: {a: }}}}}}\n", "group-circle"),
        ("playbooks__a", play(f"{{name: a, {AGENT}}}", "ssh-only"), "missing-engine"),
        ("playbooks__a", play(f"{{name: a, {AGENT}}}", "h1:!h1"), "no-hosts"),
        ("playbooks__a", play("{name: a, provider: home, clearance: public}"), "missing-key"),
        ("playbooks__a", play(f'{{name: "a\\n", {AGENT}}}'), "bad-pattern"),
        ("playbooks__a", play(f"{{name: {'a' * 41}, {AGENT}}}"), "bad-pattern"),
        (
            "playbooks__a",
            play(f"{{name: a, {AGENT}, executor: {{kind: command}}}}"),
            "bad-combination",
        ),
        (
            "playbooks__a",
            play(f"{{name: a, {AGENT}, executor: {{kind: messages-api, args: [x]}}}}"),
            "bad-combination",
        ),
        ("playbooks__a", play(f"{{name: a, {AGENT}, replicas: '{{{{ true }}}}'}}"), "bad-value"),
        ("playbooks__a", play(f"{{name: a, {AGENT}, ttl: 0s}}"), "bad-combination"),
        (
            "playbooks__a",
            play(f"{{name: a, {AGENT}}}", "h1", "  vars_files: [../../x]\n"),
            "outside-project",
        ),
        (
            "playbooks__a",
            play(f"{{name: a, {AGENT}}}", "h1", "  vars_files: [x.yaml]\n"),
            "missing-file",
        ),
        ("policies__monitoring", "lease: 10s\nheartbeat: 9s\n", "heartbeat-too-slow"),
        ("policies__acces", "rules: []\n", "unread-file"),
        ("group_vars__iner", "a: 1\n", "unread-file"),
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, name: str, text: str, rule: str) -> None:
    files = {"playbooks__a": play(f"{{name: a, {AGENT}}}", "all:!ssh-only"), name: text}
    assert rule in rules(load(project(tmp_path, **files)))


@pytest.mark.parametrize(
    ("written", "rule", "hint"),
    [
        ('"x\\0.yaml"', "bad-path", ""),
        ("x" * 300, "bad-path", ""),
        ("'../vars/{{ fleet }}.yaml'", "missing-file", "names of files are no templates"),
    ],
)
def test_a_name_that_no_file_can_have_is_a_finding(
    tmp_path: Path, written: str, rule: str, hint: str
) -> None:
    more = f"  vars_files: [{written}]\n"
    root = project(tmp_path, playbooks__a=play(f"{{name: a, {AGENT}}}", "h1", more))
    (found,) = load(root).findings
    assert (found.rule, found.line, found.path) == (rule, 2, "[0].vars_files[0]")
    assert hint in found.suggestion


@pytest.mark.parametrize(
    "more", ["", ", loop: [1, 2, 3, 4]", ", loop: [1, 2, 3, 4], when: 'false'"]
)
def test_plays_that_unfold_too_far_are_one_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    monkeypatch.setattr(expansion, "PLACES_MAX", 6)
    name = "'a{{ item }}'" if more else "a"
    last = play(f"{{name: b, {AGENT}}}") + play(f"{{name: c, {AGENT}}}") + play("{name: d}")
    root = project(tmp_path, playbooks__a=play(f"{{name: {name}, {AGENT}{more}}}") + last)
    found = [each for each in load(root).findings if each.rule != "missing-key"]
    (told,) = found
    assert (told.rule, told.line, told.path) == (
        "too-large",
        3 if more else 9,
        "[0].agents" if more else "[2].agents",
    )
    assert told.message.startswith("up to here the plays come to more than 6 agents on hosts")


def test_patterns_that_are_too_much_to_compare_are_one_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "MATCHES_MAX", 9)
    text = play(f"{{name: a, {AGENT}}}", "h*:!h2") + play(f"{{name: b, {AGENT}}}", "h*:!h2")
    root = project(tmp_path, playbooks__a=text)
    assert names(load(root)) == "h1/a h1/b h3/a h3/b", "the same pattern is compared once"
    root = project(tmp_path, playbooks__a=text + play(f"{{name: c, {AGENT}}}", "h*"))
    assert rules(load(root)) == ["too-large"]


def test_a_name_of_forty_characters_is_a_name(tmp_path: Path) -> None:
    root = project(tmp_path, playbooks__a=play(f"{{name: {'a' * 40}, {AGENT}}}", "h1"))
    assert names(load(root)) == f"h1/{'a' * 40}"


def test_a_mistake_in_one_file_does_not_hide_those_in_another(tmp_path: Path) -> None:
    files = {
        "playbooks__a": play(f"{{name: a, {AGENT}, replicas: -1}}"),
        "playbooks__b": play(f"{{name: b, {AGENT.replace('public', 'pubic')}}}"),
        "policies__monitoring": "leese: 3s\n",
    }
    assert rules(load(project(tmp_path, **files))) == [
        "bad-minimum",
        "unknown-level",
        "unknown-key",
    ]


def test_a_broken_file_brings_no_findings_that_only_follow_from_it(tmp_path: Path) -> None:
    files = {
        "playbooks__a": play(f"{{name: a, {AGENT}}}"),
        "policies__providers": "providers: [",
        "policies__routing": "levels: x\n",
    }
    found = load(project(tmp_path, **files)).findings
    assert {each.file for each in found} == {"policies/providers.yaml", "policies/routing.yaml"}


def test_a_slip_in_a_providers_name_is_one_finding(tmp_path: Path) -> None:
    routing = POLICIES["policies/routing.yaml"] + "routes: [{name: r, prefer: [home]}]\n"
    files = {
        "playbooks__a": play(f"{{name: a, {AGENT}}}".replace("home", "hoem")),
        "policies__routing": routing,
    }
    assert rules(load(project(tmp_path, **files))) == ["unknown-provider"]


def test_extra_vars_come_as_words_json_or_a_file(tmp_path: Path) -> None:
    agent = (
        "{name: a, image: 'i:{{ tag }}', replicas: '{{ n }}', provider: home, clearance: public}"
    )
    root = project(tmp_path, playbooks__a=play(agent, "h1"))
    given = tmp_path / "given.yaml"
    given.write_text("n: 3\ntag: file\n")
    for extra, image, replicas in (
        (['{"n": 2, "tag": "json"}'], "i:json", 2),
        ([f"@{given}"], "i:file", 3),
        ([f"@{given}", "tag=word"], "i:word", 3),
    ):
        desired = load(root, extra_vars=extra).desired
        assert desired is not None
        assert (desired.agents[0].image, desired.agents[0].replicas) == (image, replicas)
    assert rules(load(root, extra_vars=["n"]))[0] == "extra-vars"


SECRET = "sk-somebody-elses"


@pytest.mark.parametrize(
    "file",
    [
        "inventory.yaml",
        "playbooks/b.yaml",
        "policies/access.yaml",
        "policies/providers.yaml",
        "group_vars/all",
        "host_vars/h1/x.yml",
        "schemas/messages/x.yaml",
    ],
)
def test_a_link_out_of_the_project_is_refused_and_nothing_of_it_is_said(
    tmp_path: Path, file: str
) -> None:
    root = project(tmp_path / "project", playbooks__a=play(f"{{name: a, {AGENT}}}"))
    (tmp_path / "key").write_text(SECRET)
    (root / file).unlink(missing_ok=True)
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).symlink_to(tmp_path / "key")
    loaded = load(root)
    assert [each.rule for each in loaded.findings if each.file == file] == ["outside-project"]
    assert SECRET not in f"{loaded.findings}{loaded.sources}"


@pytest.mark.parametrize(
    "folder", ["playbooks", "policies", "group_vars", "group_vars/all", "schemas/messages"]
)
def test_a_folder_that_cannot_be_read_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    root = project(tmp_path, playbooks__a=play(f"{{name: a, {AGENT}}}", "h1"))
    (root / folder).mkdir(parents=True, exist_ok=True)
    listing = Path.iterdir

    def denied(path: Path) -> Iterator[Path]:
        if path == root / folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", denied)  # the tests may run as root, who reads everything
    told = [str(each) for each in load(root).findings if each.rule == "unreadable"]
    assert told == [
        f"{folder.removesuffix('/all')}: error: the folder can't be read: Permission denied"
    ]


@pytest.mark.parametrize(
    ("more", "agent", "hint"),
    [
        ("  prune: yes\n", "", "write true: yes is text here, as in YAML 1.2"),
        ("  prune: Off\n", "", "write false: Off is text here, as in YAML 1.2"),
        ("", ", resources: {cpus: '1.5'}", "leave out the quotes"),
    ],
)
def test_a_value_of_another_type_says_what_to_write(
    tmp_path: Path, more: str, agent: str, hint: str
) -> None:
    root = project(tmp_path, playbooks__a=play(f"{{name: a, {AGENT}{agent}}}", "h1", more))
    assert [each.suggestion for each in load(root).errors] == [hint]


def test_a_file_too_many_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plays = {f"playbooks__{at}": play(f"{{name: a{at}, {AGENT}}}", "h1") for at in range(3)}
    monkeypatch.setattr(files, "FILES_MAX", 2)
    assert [str(each) for each in load(project(tmp_path, **plays)).errors] == [
        "playbooks: error: the folder has 3 files, of which 2 are read"
    ]


def test_a_link_inside_the_project_is_followed(tmp_path: Path) -> None:
    root = project(tmp_path, common__a=play(f"{{name: a, {AGENT}}}", "h1"))
    (root / "playbooks").mkdir()
    (root / "playbooks/a.yaml").symlink_to("../common/a.yaml")
    assert names(load(root)) == "h1/a"


def test_what_is_called_like_a_file_and_is_none_is_told(tmp_path: Path) -> None:
    root = project(tmp_path, playbooks__a=play(f"{{name: a, {AGENT}}}", "h1"))
    (root / "playbooks/b.yaml").symlink_to("nowhere")
    (root / "playbooks/c.yaml").symlink_to("c.yaml")
    (root / "playbooks/d.yaml").mkdir()
    (root / "group_vars").mkdir()
    (root / "group_vars/all.yml").symlink_to("nowhere")
    assert [str(each) for each in load(root).findings] == [
        "group_vars/all.yml: error: the file can't be read: No such file or directory",
        "playbooks/b.yaml: error: the file can't be read: No such file or directory",
        "playbooks/c.yaml: error: the file can't be read: Too many levels of symbolic links",
        "playbooks/d.yaml: error: the file can't be read: it is no regular file",
    ]


def test_a_project_that_is_no_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no directory"):
        load(tmp_path / "nowhere")
    assert rules(load(tmp_path)) == ["missing-file"] * 3


def test_load_stays_a_function_once_it_was_called() -> None:
    import agentctl.config

    agentctl.config.load(resources.root())
    agentctl.config.load(resources.root())


def test_a_keyword_of_ansibles_hides_no_other_finding(tmp_path: Path) -> None:
    agent = "{name: a, delegate_to: x, notify: y, image: 'i:1', provider: hoem, clearance: public}"
    other = "{name: b, become: true, image: '{{ tga }}', provider: home, clearance: public}"
    text = play(f"{agent}\n    - {other}", "h1", "  gather_facts: false\n  vars: {tag: x}\n")
    loaded = load(project(tmp_path, playbooks__a=text))
    assert sorted(rules(loaded)) == [
        *["refused-key"] * 4,
        "undefined-variable",
        "unknown-provider",
    ]


@pytest.mark.parametrize("agents", ["", "null", "x", "{}", "5", "[x, null, 5, []]"])
def test_agents_that_are_no_list_of_mappings_are_findings(tmp_path: Path, agents: str) -> None:
    text = f"- hosts: h1\n  agents: {agents}\n{play(f'{{name: b, {AGENT}, provider: hoem}}', 'h1')}"
    text = text.replace("provider: home, ", "")
    root = project(tmp_path, playbooks__a=text)
    found = [str(each) for each in load(root).findings]
    assert any("agents" in each.path for each in load(root).findings), found
    assert any("'hoem'" in each for each in found), "and what else is wrong is said too"
    with pytest.raises(NotFound):
        explain(root, "h1", agent="nobody")
