"""Host ranges in an inventory: what each stands for, and what is said of those that can't be meant."""

from pathlib import Path

import pytest

from agentctl.config import load
from agentctl.config.explain import explain, host_names
from agentctl.config.host_range import BadRange, expand


@pytest.mark.parametrize(
    ("name", "hosts"),
    [
        ("web[1:3]", "web1 web2 web3"),
        ("web[08:11].acme", "web08.acme web09.acme web10.acme web11.acme"),
        ("node[0:10:5]", "node0 node5 node10"),
        ("n[:2]", "n0 n1 n2"),
        ("db-[a:d]", "db-a db-b db-c db-d"),
        ("db-[a:f:2]", "db-a db-c db-e"),
        ("r[1:2]n[a:b]", "r1na r1nb r2na r2nb"),
        ("[001:002]x", "001x 002x"),
        ("one[7:7]", "one7"),
    ],
)
def test_a_range_stands_for_these_hosts(name: str, hosts: str) -> None:
    assert expand(name) == tuple(hosts.split())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("web[1]", "not begin:end"),
        ("web[1:2:3:4]", "not begin:end"),
        ("web[1:", "a bracket without its other one"),
        ("web1:3]", "a bracket without its other one"),
        ("web[[1:3]]", "a bracket without its other one"),
        ("web[1:]", "has no end"),
        ("web[01:100]", "the same number of digits"),
        ("web[5:1]", "begins above its end"),
        ("web[f:a]", "begins above its end"),
        ("web[a:5]", "neither from number to number nor from letter to letter"),
        ("web[abc:f]", "neither from number to number nor from letter to letter"),
        ("web[-1:5]", "neither from number to number nor from letter to letter"),
        ("web[\u0661:\u0665]", "neither from number to number nor from letter to letter"),
        ("web[1:9:0]", "no number above 0"),
        ("web[1:9:x]", "no number above 0"),
        ("web[0:10000]", "more than 10000"),
        ("web[0:99][0:999]", "names 100000 hosts"),
        ("web[0:99999999999999999999]", "too long"),
        ("w" * 62 + "[1:10]", "more than 63 characters"),
    ],
)
def test_a_range_that_cannot_be_meant_is_refused_with_the_reason(name: str, words: str) -> None:
    with pytest.raises(BadRange, match=words):
        expand(name)


def project(at: Path, hosts: str) -> Path:
    text = f"all:\n  vars: {{fleet: acme, engine_url: 'process:'}}\n  hosts:\n{hosts}"
    (at / "inventory.yaml").write_text(text)
    return at


def test_hosts_of_a_range_get_its_variables_and_add_up_with_their_own(tmp_path: Path) -> None:
    at = project(tmp_path, "    web[01:03]: {rack: 7, zone: a}\n    web02: {zone: b}\n")
    assert host_names(at) == ("web01", "web02", "web03")
    found = {each.name: each.value for each in explain(at, "web02").variables}
    assert (found["rack"], found["zone"]) == (7, "b")
    assert explain(at, "web03").variables[-1].source == "inventory.yaml:4"


def test_a_bad_range_is_one_finding_at_its_key(tmp_path: Path) -> None:
    at = project(tmp_path, "    ok: {}\n    web[9:1]: {}\n")
    (at / "group_vars").mkdir()
    (at / "group_vars" / "web.yaml").write_text("x: 1\n")
    found = [each for each in load(at).findings if each.file == "inventory.yaml"]
    assert [(str(each), each.suggestion) for each in found] == [
        (
            "inventory.yaml:5:5: error: the range [9:1] begins above its end",
            "write [1:9]",
        )
    ]


@pytest.mark.parametrize(
    "hosts",
    [
        "".join(f"    w{n}-[0:4999]: {{}}\n" for n in range(3)),
        "    w[0:4999]: {" + ", ".join(f"v{n}: 1" for n in range(100)) + "}\n",
    ],
)
def test_a_few_lines_do_not_make_a_machine_work_for_long(tmp_path: Path, hosts: str) -> None:
    found = load(project(tmp_path, hosts)).findings
    assert "host-range" in [each.rule for each in found]
