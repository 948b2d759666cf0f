"""Destinations, topics, message kinds and rules on them: what must hold together, and how they are read."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from agentctl.config import load
from agentctl.config.finding import Severity
from agentctl.config.references import check
from agentctl.model.fleet import (
    AccessRule,
    AgentSpec,
    DesiredState,
    Destination,
    Effect,
    Host,
    MessageKind,
    Opa,
    Provider,
    ProviderKind,
    Routing,
)
from agentctl.resources import root

HOME = Provider(
    name="home",
    kind=ProviderKind.OLLAMA,
    base_url="http://127.0.0.1:11434",
    model="qwen3",
    boundary="private",
)
GITHUB = Destination(name="github", hosts=(("github.com", 443),), boundary="public")
SAYS = AgentSpec(
    name="says", host="local", image="i:1", provider="home", clearance="internal",
    publishes=("findings",), egress=("github",),
)  # fmt: skip
HEARS = AgentSpec(
    name="hears", host="local", image="i:1", provider="home", clearance="restricted",
    subscribes=("findings",), labels=(("team", "a"),),
)  # fmt: skip
FLEET = DesiredState(
    fleet="acme",
    hosts=(Host(name="local", engine_url="unix:///var/run/docker.sock"),),
    agents=(HEARS, SAYS),
    providers=(HOME,),
    routing=Routing(
        levels=("public", "internal", "restricted"),
        default="internal",
        boundaries=(("private", "restricted"), ("public", "internal")),
    ),
    destinations=(GITHUB,),
    message_kinds=(MessageKind(name="review", types=("event",), rules='{"a":{"type":"string"}}'),),
    opa=Opa(enabled=True),
)


def rule(target: str, *, verb: str = "message.send", types: tuple[str, ...] = ()) -> DesiredState:
    made = AccessRule(
        name="r", effect=Effect.ALLOW, verb=verb, principal="agent:says", target=target, types=types
    )
    return replace(FLEET, access=(made,))


def with_says(**changes: Any) -> DesiredState:
    return replace(FLEET, agents=(HEARS, replace(SAYS, **changes)))


def with_github(**changes: Any) -> DesiredState:
    return replace(FLEET, destinations=(replace(GITHUB, **changes),))


def wrong(desired: DesiredState) -> list[str]:
    """Return what doesn't hold together."""
    return [
        f"{each.severity.value} {each.rule} {'/'.join(each.subject)}" for each in check(desired)
    ]


def test_a_sound_fleet_has_no_findings() -> None:
    assert wrong(FLEET) == []


@pytest.mark.parametrize(
    ("desired", "expected"),
    [
        (with_says(egress=("githup",)), "error unknown-destination agent/says/local/egress"),
        (with_says(clearance="restricted"), "error clearance-above-boundary agent/says/local/egress"),
        (with_says(publishes=()), "warning unspoken-topic agent/hears/local/subscribes"),
        (
            with_says(publishes=("findings", "gossip")),
            "warning unheard-topic agent/says/local/publishes",
        ),
        (with_says(publishes=("findings", "a\n")), "error bad-name agent/says/local"),
        (with_github(boundary="publik"), "error unknown-boundary destination/github/boundary"),
        (with_github(name="Git Hub"), "error bad-name destination/Git Hub"),
        (with_github(hosts=(("github.com", 0),)), "error bad-destination destination/github/hosts"),
        (
            with_github(networks=("::/0",)),
            "error bad-destination destination/github/networks",
        ),
        (
            replace(FLEET, message_kinds=(replace(FLEET.message_kinds[0], name="event"),)),
            "error bad-name message/event",
        ),
        (rule("topic:findins"), "warning unmatched-rule access/r/to"),
        (rule("provider:home"), "warning unmatched-rule access/r/to"),
        (rule("agent:says", verb="secret.read"), "warning unmatched-rule access/r/to"),
        (rule("secret:pat", verb="secret.read"), "warning unmatched-rule access/r/to"),
        (rule("provider:hone", verb="model.call"), "warning unmatched-rule access/r/to"),
        (rule("agent:hears", types=("requests",)), "warning unmatched-rule access/r/types"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)  # fmt: skip
def test_what_does_not_hold_together_is_found(desired: DesiredState, expected: str) -> None:
    assert expected in wrong(desired)


@pytest.mark.parametrize("types", [("request",), ("review",), ("text",), ("finding",)])
def test_a_rule_may_name_message_types_and_kinds(types: tuple[str, ...]) -> None:
    assert wrong(rule("agent:hears", types=types)) == []


def test_a_host_stands_behind_one_boundary() -> None:
    other = Destination(name="mirror", hosts=(("github.com", 443),), boundary="private")
    assert wrong(replace(FLEET, destinations=(GITHUB, other))) == [
        "error two-boundaries destination/mirror/hosts"
    ]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.0.0.1", "0177.0.0.1", "2130706433", "0x7f000001", "127.1", "::1"),
        *("169.254.169.254", "fe80::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "localhost"),
        *("metadata.internal", "printer.local", "intranet"),
    ],
)
def test_a_destination_without_networks_names_public_hosts_only(host: str) -> None:
    found = wrong(with_github(hosts=((host, 443),)))
    assert found == ["error bad-destination destination/github/hosts"]


def test_networks_say_which_other_addresses_are_meant() -> None:
    inside = {"hosts": (("git.internal", 443), ("10.2.0.9", 443)), "networks": ("10.2.0.0/16",)}
    assert wrong(with_github(**inside)) == []


def test_agents_of_one_name_say_and_hear_the_same_on_all_hosts() -> None:
    there = Host(name="there", engine_url="unix:///run/other.sock")
    second = replace(SAYS, host="there", publishes=())
    fleet = replace(FLEET, hosts=(*FLEET.hosts, there), agents=(HEARS, SAYS, second))
    assert "error facts-differ agent/says/there/publishes" in wrong(fleet)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("playbooks", "policies"):
        copytree(root() / name, tmp_path / name)
    (tmp_path / "inventory.yaml").write_bytes((root() / "inventory.yaml").read_bytes())
    (tmp_path / "schemas/messages").mkdir(parents=True)
    return tmp_path


def test_the_sample_declares_a_topic_and_no_kind_of_its_own() -> None:
    desired = load(root()).desired
    assert desired is not None
    assert {each.name: each.publishes for each in desired.agents}["researcher"] == ("findings",)
    assert desired.message_kinds == ()
    assert not desired.opa.enabled


def test_destinations_are_read_from_the_providers_file(project: Path) -> None:
    with (project / "policies/providers.yaml").open("a") as file:
        file.write(
            'destinations:\n  github: {hosts: ["github.com:443", "api.github.com:443"],'
            ' boundary: public, networks: ["10.0.0.0/8"]}\n'
        )
    desired = load(project).desired
    assert desired is not None
    assert desired.destinations == (
        Destination(
            name="github",
            hosts=(("api.github.com", 443), ("github.com", 443)),
            boundary="public",
            networks=("10.0.0.0/8",),
        ),
    )


def test_a_kind_is_named_by_its_file(project: Path) -> None:
    text = "title: T\ntypes: [reply, event]\npayload:\n  ok: {type: boolean, required: true}\n"
    (project / "schemas/messages/build.done.yaml").write_text(text)
    desired = load(project).desired
    assert desired is not None
    (kind,) = desired.message_kinds
    assert (kind.name, kind.types, kind.title) == ("build.done", ("reply", "event"), "T")
    assert json.loads(kind.rules) == {"ok": {"type": "boolean", "required": True}}


def test_a_copy_of_a_shipped_kind_declares_nothing_and_a_changed_one_is_refused(
    project: Path,
) -> None:
    copy = project / "schemas/messages/text.yaml"
    copy.write_bytes((root() / "schemas/messages/text.yaml").read_bytes())
    assert load(project).findings == ()
    copy.write_text("types: [event]\npayload: {text: {type: string}}\n")
    assert [each.rule for each in load(project).findings] == ["bad-name"]


def test_rules_that_cerberus_can_not_use_are_a_finding(project: Path) -> None:
    text = "types: [event]\npayload:\n  a: {type: string, min: {}}\n"
    (project / "schemas/messages/odd.yaml").write_text(text)
    (found,) = load(project).findings
    assert found.severity is Severity.ERROR
    assert (found.file, found.path) == ("schemas/messages/odd.yaml", "payload.a.min")


@pytest.mark.parametrize("allowed", ["[[], low]", "[{a: b}]", "[null]"])
def test_what_can_not_be_compared_is_no_allowed_value(project: Path, allowed: str) -> None:
    """Cerberus itself fails on such a list."""
    text = f"types: [request]\npayload: {{a: {{type: string, allowed: {allowed}}}}}\n"
    (project / "schemas/messages/mine.yaml").write_text(text)
    (found,) = load(project).findings
    assert found.path == "payload.a.allowed[0]"


def test_opa_has_its_own_words(project: Path) -> None:
    access = project / "policies/access.yaml"
    access.write_text(
        "rules: []\nopa: {enabled: false, url: 'https://opa.lan:8443/', path: a/b, timeout: 1s}\n"
    )
    loaded = load(project).desired
    assert loaded is not None
    assert loaded.opa == Opa(url="https://opa.lan:8443", path="a/b", timeout_s=1.0)
    token = "rules: []\nopa: {enabled: true, token: {file: /etc/agentctl/opa}}\n"
    access.write_text(token)
    shown = load(project).desired
    assert shown is not None
    assert shown.opa == Opa(enabled=True, token_file="/etc/agentctl/opa")
    access.write_text("rules: []\nopa: {enabled: true}\n")
    enabled = load(project)
    assert enabled.findings == ()
    assert enabled.desired is not None
    assert enabled.desired.opa == Opa(enabled=True)
