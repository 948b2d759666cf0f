"""Whatever an engine reports outside the baseline is named."""

import copy
import json
from typing import Any

import pytest

from agentctl.engine.baseline import SECRETS, WORKSPACE
from agentctl.engine.violations import engine_violations, violations

GOOD: dict[str, Any] = {
    "Name": "/acme-researcher-2",
    "AppArmorProfile": "docker-default",
    "Config": {"User": "10001:10001", "Tty": False, "StdinOnce": True},
    "HostConfig": {
        "Privileged": False,
        "CapDrop": ["ALL"],
        "CapAdd": None,
        "SecurityOpt": ["no-new-privileges:true"],
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "PidMode": "",
        "Memory": 1 << 30,
        "MemorySwap": 1 << 30,
        "NanoCpus": 10**9,
        "PidsLimit": 64,
        "RestartPolicy": {"Name": "no"},
        "MaskedPaths": ["/proc/kcore", "/proc/keys", "/proc/latency_stats"],
        "ReadonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"],
        "Tmpfs": {
            "/tmp": "rw,noexec,nosuid,nodev,size=1,mode=1777",
            SECRETS: "rw,noexec,nosuid,nodev,size=1,uid=10001",
        },
    },
    "Mounts": [
        {"Type": "bind", "Destination": "/run/agentctl", "RW": False},
        {"Type": "volume", "Destination": WORKSPACE, "Name": "acme-researcher-2", "RW": True},
    ],
}


def with_(section: str, **values: Any) -> dict[str, Any]:
    changed = copy.deepcopy(GOOD)
    changed[section] = {**changed[section], **values}
    return changed


def test_what_keeps_to_the_baseline_has_none() -> None:
    assert violations(GOOD) == []


def test_an_empty_report_is_not_taken_for_a_good_one() -> None:
    assert len(violations({})) > 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Privileged", True),
        ("CapDrop", []),
        ("CapDrop", ["NET_RAW"]),
        ("CapAdd", ["SYS_ADMIN"]),
        ("SecurityOpt", []),
        ("SecurityOpt", ["no-new-privileges:false"]),
        ("SecurityOpt", ["no-new-privileges:true", "seccomp=unconfined"]),
        ("SecurityOpt", ["no-new-privileges", "apparmor=unconfined"]),
        ("NetworkMode", "bridge"),
        ("NetworkMode", "host"),
        ("NetworkMode", "container:abc"),
        ("ReadonlyRootfs", False),
        ("PidMode", "host"),
        ("IpcMode", "host"),
        ("IpcMode", "shareable"),
        ("UTSMode", "host"),
        ("UsernsMode", "host"),
        ("CgroupnsMode", "host"),
        ("Memory", 0),
        ("MemorySwap", -1),
        ("NanoCpus", 0),
        ("PidsLimit", None),
        ("PidsLimit", -1),
        ("OomKillDisable", True),
        ("Devices", [{"PathOnHost": "/dev/kvm"}]),
        ("DeviceRequests", [{"Driver": "nvidia"}]),
        ("DeviceCgroupRules", ["a *:* rwm"]),
        ("GroupAdd", ["docker"]),
        ("Binds", ["/:/host"]),
        ("VolumesFrom", ["other"]),
        ("PortBindings", {"80/tcp": [{"HostPort": "80"}]}),
        ("CgroupParent", "/"),
        ("Sysctls", {"net.ipv4.ip_forward": "1"}),
        ("RestartPolicy", {"Name": "always"}),
        ("Init", True),
        ("MaskedPaths", []),
        ("ReadonlyPaths", None),
        ("Tmpfs", {}),
        ("Tmpfs", {**GOOD["HostConfig"]["Tmpfs"], "/tmp": "rw,nosuid,nodev,size=1"}),
        ("Tmpfs", {**GOOD["HostConfig"]["Tmpfs"], SECRETS: "rw,noexec,nosuid,nodev"}),
        ("Tmpfs", {**GOOD["HostConfig"]["Tmpfs"], "/etc": "size=1"}),
        ("Tmpfs", {**GOOD["HostConfig"]["Tmpfs"], WORKSPACE: "rw,nosuid,nodev"}),
    ],
)
def test_each_weakening_is_named(name: str, value: Any) -> None:
    found = violations(with_("HostConfig", **{name: value}))
    assert any(each.lower().startswith(name.lower()) for each in found), found


@pytest.mark.parametrize(
    ("name", "value"),
    [("User", "0"), ("User", ""), ("User", "10001"), ("Tty", True), ("StdinOnce", False)],
)
def test_each_weakening_of_the_process_is_named(name: str, value: Any) -> None:
    assert len(violations(with_("Config", **{name: value}))) == 1


@pytest.mark.parametrize(
    "mounts",
    [
        [],
        [{"Type": "bind", "Destination": "/run/agentctl", "RW": True}],
        [*GOOD["Mounts"], {"Type": "bind", "Destination": "/host", "RW": False}],
        [*GOOD["Mounts"], {"Type": "bind", "Destination": "/var/run/docker.sock", "RW": False}],
        [*GOOD["Mounts"], {"Type": "volume", "Destination": "/data", "Name": "x"}],
        [GOOD["Mounts"][0], {"Type": "volume", "Destination": WORKSPACE, "Name": "acme-other-1"}],
    ],
    ids=json.dumps,
)
def test_only_the_door_read_only_and_its_own_workspace_are_mounted(mounts: Any) -> None:
    assert violations({**GOOD, "Mounts": mounts})


def test_an_unconfined_apparmor_profile_is_named_and_none_at_all_is_the_hosts_affair() -> None:
    assert violations({**GOOD, "AppArmorProfile": "unconfined"})
    assert violations({**GOOD, "AppArmorProfile": ""}) == []


@pytest.mark.parametrize(
    ("options", "good"),
    [
        (["name=seccomp,profile=default"], True),
        (["name=apparmor", "name=seccomp,profile=builtin"], True),
        (["name=seccomp,profile=unconfined"], False),
        (["name=apparmor"], False),
        (None, False),
    ],
)
def test_an_engine_without_a_seccomp_filter_can_not_confine(options: Any, good: bool) -> None:
    assert (engine_violations({"SecurityOptions": options}) == []) is good
