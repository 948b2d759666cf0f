"""What every container is confined to, written as the engine's configuration. None of it can be switched off.

Source: docs/decisions/0004-engines-and-the-door.md.
"""

import math
from pathlib import Path
from typing import Any

from agentctl.engine.labels import labels_of
from agentctl.engine.protocol import STOP_MARGIN_S, Birth
from agentctl.paths import DOOR_IN_CONTAINER

UID = 10001  # an account of no meaning on any host
USER = f"{UID}:{UID}"
WORKSPACE = "/workspace"
SECRETS = "/run/secrets"
TMP_BYTES = 256 << 20
SECRETS_BYTES = 1 << 20
SHM_BYTES = 64 << 20
LOG_FILE_BYTES_MAX = "10m"

# Explicit, so that an image's own variables (other than these) are all that is added.
ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    f"HOME={WORKSPACE}",
    "LANG=C.UTF-8",
)


def container_config(birth: Birth, door: Path) -> dict[str, Any]:
    """Return the body of the engine's "create container" request (Docker Engine API v1.41)."""
    return {
        "Image": birth.spec.image,
        "Hostname": birth.name[:63],  # RFC 1123: a label holds 63 characters
        "User": USER,
        "WorkingDir": WORKSPACE,
        "Env": list(ENVIRONMENT),
        "Labels": labels_of(birth),
        # The boot document comes on standard input, which then closes for good.
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "Tty": False,
        "StopSignal": "SIGTERM",
        "StopTimeout": math.ceil(birth.spec.grace_s + STOP_MARGIN_S),
        "Healthcheck": {"Test": ["NONE"]},  # an image's own check would run beside agentd
        "HostConfig": _host_config(birth, door),
    }


def _host_config(birth: Birth, door: Path) -> dict[str, Any]:
    resources = birth.spec.resources
    return {
        "NetworkMode": "none",
        "CapDrop": ["ALL"],
        "CapAdd": [],
        "SecurityOpt": ["no-new-privileges:true"],  # no seccomp option: the engine's default holds
        "Privileged": False,
        "ReadonlyRootfs": True,
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        "Memory": resources.memory_bytes,
        "MemorySwap": resources.memory_bytes,  # memory and swap together: so no swap
        "NanoCpus": round(resources.cpus * 1e9),
        "PidsLimit": resources.pids,
        "OomKillDisable": False,
        "ShmSize": SHM_BYTES,
        "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],  # a core file would hold credentials
        "Tmpfs": _tmpfs(birth),
        "Mounts": _mounts(birth, door),
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "AutoRemove": False,
        "Init": False,  # agentd is PID 1: nothing inside can freeze it
        "LogConfig": {
            "Type": "json-file",
            "Config": {"max-size": LOG_FILE_BYTES_MAX, "max-file": "2"},
        },
    }


def _tmpfs(birth: Birth) -> dict[str, str]:
    safe = "rw,noexec,nosuid,nodev"
    own = f"uid={UID},gid={UID},mode=0700"
    mounts = {
        "/tmp": f"{safe},size={TMP_BYTES},mode=1777",  # noqa: S108 - the container's own
        SECRETS: f"{safe},size={SECRETS_BYTES},{own}",
    }
    if not birth.keeps_workspace:
        size = birth.spec.workspace.size_bytes
        mounts[WORKSPACE] = f"rw,exec,nosuid,nodev,size={size},{own}"  # agents run what they build
    return mounts


def _mounts(birth: Birth, door: Path) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        {
            "Type": "bind",
            "Source": str(door),
            "Target": DOOR_IN_CONTAINER,
            "ReadOnly": True,
            "BindOptions": {"Propagation": "rprivate"},
        }
    ]
    if birth.keeps_workspace:
        mounts.append({"Type": "volume", "Source": birth.name, "Target": WORKSPACE})
    return mounts
