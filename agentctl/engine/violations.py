"""Does what the engine made keep to the baseline? Asked of the engine's own report, not of our request.

An engine may be old, patched or configured to weaken what it was asked for; an image may add
volumes. Whatever is not as it must be is named, and such a container is never started.
"""

from collections.abc import Callable, Mapping
from typing import Any

from agentctl.engine.baseline import SECRETS, USER, WORKSPACE
from agentctl.paths import DOOR_IN_CONTAINER

Check = tuple[str, Callable[[Any], bool]]

# The engine hides these from containers unless it is told not to; two stand for all of them.
MASKED = {"/proc/kcore", "/proc/keys"}
READ_ONLY = {"/proc/sys", "/proc/sysrq-trigger"}


def _nothing(value: Any) -> bool:
    return not value


def _positive(value: Any) -> bool:
    return isinstance(value, int) and value > 0


_HOST: tuple[Check, ...] = (
    ("Privileged", lambda value: value is False),
    ("CapDrop", lambda value: [each.upper() for each in value or ()] == ["ALL"]),
    ("CapAdd", _nothing),
    ("NetworkMode", lambda value: value == "none"),
    ("ReadonlyRootfs", lambda value: value is True),
    ("PidMode", _nothing),
    ("IpcMode", lambda value: value == "private"),
    ("UTSMode", _nothing),
    ("UsernsMode", _nothing),
    ("CgroupnsMode", lambda value: value == "private"),
    ("Memory", _positive),
    ("NanoCpus", _positive),
    ("PidsLimit", _positive),
    ("OomKillDisable", lambda value: not value),
    ("Devices", _nothing),
    ("DeviceRequests", _nothing),
    ("DeviceCgroupRules", _nothing),
    ("GroupAdd", _nothing),
    ("Binds", _nothing),
    ("VolumesFrom", _nothing),
    ("Links", _nothing),
    ("PortBindings", _nothing),
    ("PublishAllPorts", lambda value: not value),
    ("CgroupParent", _nothing),
    ("Sysctls", _nothing),
    ("Init", lambda value: not value),
    ("RestartPolicy", lambda value: (value or {}).get("Name") in ("", "no")),
    ("MaskedPaths", lambda value: set(value or ()) >= MASKED),
    ("ReadonlyPaths", lambda value: set(value or ()) >= READ_ONLY),
)

_CONFIG: tuple[Check, ...] = (
    ("User", lambda value: value == USER),
    ("Tty", lambda value: value is False),
    ("StdinOnce", lambda value: value is True),
)


def violations(inspect: Mapping[str, Any]) -> list[str]:
    """Return what is outside the baseline in an engine's answer to "inspect container"; [] is good."""
    host = inspect.get("HostConfig") or {}
    config = inspect.get("Config") or {}
    found = [f"{name} is {host.get(name)!r}" for name, holds in _HOST if not holds(host.get(name))]
    found += [
        f"{name} is {config.get(name)!r}" for name, holds in _CONFIG if not holds(config.get(name))
    ]
    found += _security(host.get("SecurityOpt") or [])
    if host.get("MemorySwap") != host.get("Memory"):
        found.append(
            f"MemorySwap is {host.get('MemorySwap')!r}, so it may swap"
            " (does the kernel account swap? boot it with swapaccount=1)"
        )
    if inspect.get("AppArmorProfile") == "unconfined":
        found.append("AppArmorProfile is 'unconfined'")
    name = str(inspect.get("Name", "")).removeprefix("/")
    found += _tmpfs(host.get("Tmpfs") or {})
    return found + _mounts(inspect.get("Mounts") or [], name)


def engine_violations(info: Mapping[str, Any]) -> list[str]:
    """Return what an engine's own "info" lacks for the baseline: seccomp with its default filter."""
    options = info.get("SecurityOptions") or []
    seccomp = next((each for each in options if "name=seccomp" in each), "")
    if not seccomp:
        return ["the engine has no seccomp"]
    if "profile=unconfined" in seccomp:
        return ["the engine's seccomp profile is unconfined"]
    return []


def _security(options: list[str]) -> list[str]:
    found = []
    if not any(each.replace("=", ":") in _NO_NEW_PRIVILEGES for each in options):
        found.append("SecurityOpt lacks no-new-privileges")
    others = [each for each in options if each.replace("=", ":") not in _NO_NEW_PRIVILEGES]
    if others:
        found.append(f"SecurityOpt adds {', '.join(others)}")
    return found


_NO_NEW_PRIVILEGES = ("no-new-privileges", "no-new-privileges:true")


def _tmpfs(tmpfs: Mapping[str, str]) -> list[str]:
    found = []
    for path, needs in _TMPFS.items():
        options = tmpfs.get(path, "").split(",")
        bounded = any(each.startswith("size=") for each in options)
        missing = path not in tmpfs and path != WORKSPACE
        if missing or (path in tmpfs and not (bounded and needs.issubset(options))):
            found.append(f"tmpfs {path} is {tmpfs.get(path)!r}")
    return found + [f"tmpfs {path} is not ours" for path in tmpfs if path not in _TMPFS]


_TMPFS = {
    "/tmp": frozenset({"noexec", "nosuid", "nodev"}),  # noqa: S108 - the container's own
    SECRETS: frozenset({"noexec", "nosuid", "nodev"}),
    WORKSPACE: frozenset({"nosuid", "nodev"}),
}


def _mounts(mounts: list[Mapping[str, Any]], name: str) -> list[str]:
    """The door read-only, at most a workspace of its own, nothing else: an image's volumes neither."""
    found = [] if any(_is_door(each) for each in mounts) else ["the door is not mounted"]
    return found + [
        f"{each.get('Type')} mounted at {each.get('Destination')}"
        for each in mounts
        if not (_is_door(each) or _is_workspace(each, name) or each.get("Type") == "tmpfs")
    ]


def _is_door(mount: Mapping[str, Any]) -> bool:
    return (
        mount.get("Type") == "bind"
        and mount.get("Destination") == DOOR_IN_CONTAINER
        and mount.get("RW") is False
    )


def _is_workspace(mount: Mapping[str, Any], name: str) -> bool:
    return (
        mount.get("Type") == "volume"
        and mount.get("Destination") == WORKSPACE
        and mount.get("Name") == name
    )
