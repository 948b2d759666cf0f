"""What runs on the other host: constant shell scripts, with words in them that are letters and digits.

A door there is a directory of its own for each container, under one that other accounts can't enter.
"""

import re

DOOR = re.compile(r"/[A-Za-z0-9._/-]{1,94}")  # with /egress.sock it stays within 107 bytes
INSTANCE = re.compile(r"inst-[0-9a-z]{1,26}")
INSTALLATION = re.compile(r"[0-9a-z]{12}")  # the first of it: paths of sockets are short
SOCKETS = ("hub.sock", "llm.sock", "egress.sock")
READY = b"ready\n"

# /run is emptied at a reboot, and so are containers' mounts; only root may write there.
_PLACE = """set -eu
umask 077
if [ "$(id -u)" = 0 ]; then root=/run/agentctl-doors; else root=$HOME/.agentctl-doors; fi
place=$root/{installation}/{instance}
"""

# The door itself is made once: a container that has it mounted would keep the old one.
# What a connection that broke has left in it would keep the next one from making its own.
MAKE = (
    _PLACE
    + """mkdir -p "$place/door"
chmod 0700 "$root" "$root/{installation}" "$place"
chmod 0755 "$place/door"
cd "$place/door"
rm -f hub.sock llm.sock egress.sock
printf 'door %s\\n' "$(pwd -P)"
"""
)

# Ends with its connection; the agent's account is nobody's on this host, so its sockets are anybody's.
HOLD = """set -eu
cd '{door}'
chmod 0666 hub.sock llm.sock egress.sock
echo ready
exec cat >/dev/null
"""

REMOVE = (
    _PLACE
    + """cd "$place" 2>/dev/null || exit 0
rm -f door/hub.sock door/llm.sock door/egress.sock
rmdir door
rmdir "$place"
"""
)


def make(installation: str, instance: str) -> bytes:
    """Return what makes an instance's door ready for new sockets and prints where it is."""
    return _filled(MAKE, installation, instance)


def remove(installation: str, instance: str) -> bytes:
    """Return what removes an instance's door; nothing else is ever removed."""
    return _filled(REMOVE, installation, instance)


def hold(door: str) -> bytes:
    """Return what opens the door's sockets to the container, says READY and waits for the end."""
    if not is_door(door):
        raise ValueError(f"no path of a door: {door!r}")
    return HOLD.format(door=door).encode()


def door_of(answer: bytes) -> str:
    """Return the path that `make` printed, "" when that isn't one: the host's word is only a word."""
    text = answer.decode("ascii", "replace")
    word, _, rest = text.partition(" ")
    door, ended, after = rest.partition("\n")
    return door if word == "door" and ended and not after and is_door(door) else ""


def is_door(path: str) -> bool:
    """Whether a path can be a door's: nothing in it means anything to a shell, or leads upwards."""
    return DOOR.fullmatch(path) is not None and ".." not in path


def _filled(script: str, installation: str, instance: str) -> bytes:
    if not INSTALLATION.fullmatch(installation) or not INSTANCE.fullmatch(instance):
        raise ValueError(f"no instance's door: {installation!r}, {instance!r}")
    return script.format(installation=installation, instance=instance).encode()
