"""inventory.yaml in the real ansible-inventory: the same hosts, groups and variables that agentctl sees."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agentctl.config.explain import explain, host_names

INVENTORY = """\
all:
  vars: {fleet: acme, colour: grey, plain: "no", depth: all}
  hosts:
    lonely: {engine_url: "unix:///l.sock"}
  children:
    east:
      vars: {depth: east, region: east}
      hosts:
        web1: {engine_url: "unix:///1.sock", depth: host}
        web2: {engine_url: "unix:///2.sock"}
    alike:
      vars: {chosen: by priority, ansible_group_priority: "5"}
      hosts: {web1: {}}
    later:
      vars: {chosen: by name}
      hosts: {web1: {}}
    west:
      vars: {region: west}
      children:
        far:
          vars: {depth: far, ansible_group_priority: 1}
          hosts:
            web2: {}
            web3: {engine_url: "unix:///3.sock", count: 3, ready: true}
    racks:
      hosts:
        rack[08:11:3]-[a:c]: {engine_url: "unix:///r.sock", rack: many}
        rack11-b: {rack: one}
        "[:2]node": {}
"""
FILES = {
    "inventory.yaml": INVENTORY,
    "group_vars/all.yaml": "colour: green\n",
    "group_vars/far.yaml": "colour: blue\nlist: [1, two]\n",
    "host_vars/web1.yaml": "colour: red\ndepth: file\n",
    "group_vars/ungrouped.yml": "alone: true\n",
    "group_vars/alike": "found: without an ending\n",
    "group_vars/later.json": '{"kind": "json"}',
    "group_vars/east/b.yml": "folder: b\nother: b\n",
    "group_vars/east/a": "folder: a\n",
    "group_vars/east/c/d.json": '{"other": "d"}',
    "group_vars/east/.hidden.yml": "folder: hidden\n",
    "group_vars/east/a.yml~": "folder: backup\n",
    "group_vars/east.yml": "folder: file beside it\nbeside: true\n",
    "group_vars/west.yml": "wins: yml\n",
    "group_vars/west.yaml": "wins: yaml\nalso: yaml\n",
    "host_vars/web2": "# nothing yet\n",
    "host_vars/web2.yml": "beside: true\n",
}
RACKS = ("rack08-a", "rack08-b", "rack08-c", "rack11-a", "rack11-b", "rack11-c")
HOSTS = ("lonely", "web1", "web2", "web3", *RACKS, "0node", "1node", "2node")
# What each of the two adds for its own use.
MAGIC = {"inventory_hostname", "inventory_hostname_short", "group_names", "groups"}


def asked(command: Path, project: Path, *words: str) -> Any:
    ended = subprocess.run(
        [str(command), "-i", "inventory.yaml", *words],
        cwd=project,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(project),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_INVENTORY_ENABLED": "yaml",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("inventory")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def listed(ansible_inventory: Path, written: Path) -> Any:
    return asked(ansible_inventory, written, "--list")


def test_both_see_the_same_hosts(listed: Any, written: Path) -> None:
    assert set(host_names(written)) == set(listed["_meta"]["hostvars"]) == set(HOSTS)


@pytest.mark.parametrize("host", HOSTS)
def test_both_give_a_host_the_same_variables(listed: Any, written: Path, host: str) -> None:
    theirs = listed["_meta"]["hostvars"][host]
    ours = {
        each.name: each.value for each in explain(written, host).variables if each.name not in MAGIC
    }
    assert ours == theirs


@pytest.mark.parametrize("host", HOSTS)
def test_both_put_a_host_into_the_same_groups(listed: Any, written: Path, host: str) -> None:
    def inside(group: str) -> set[str]:
        entry = listed.get(group, {})
        below = (inside(child) for child in entry.get("children", ()))
        return set(entry.get("hosts", ())).union(*below)

    theirs = {
        name for name in ("alike", "east", "far", "later", "racks", "west") if host in inside(name)
    }
    assert set(explain(written, host).groups) - {"all", "ungrouped"} == theirs


def test_the_sample_inventory_is_read_too(ansible_inventory: Path, project: Path) -> None:
    found = asked(ansible_inventory, project, "--host", "local")
    assert found == {"engine_url": "unix:///var/run/docker.sock", "fleet": "acme"}
