"""The environment a child gets: what it needs to run, and the names the operator let through; nothing else."""

from collections.abc import Iterable, Mapping

# What Python, the paths and people's locale need. Whatever else the operator's shell holds
# (keys, tokens, proxies) stays out, so that a process can't leak what it was never given.
NEEDED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
)
SUPERVISOR = "AGENTCTL_SUPERVISOR"  # the pid a child ends with


def scrubbed(
    environ: Mapping[str, str], *, state: str, supervisor: int, allowed: Iterable[str] = ()
) -> dict[str, str]:
    """Return a child's environment: the needed names, the `allowed` ones, and its own settings."""
    names = (*NEEDED, *allowed)
    kept = {name: environ[name] for name in names if name in environ}
    return {**kept, "AGENTCTL_STATE": state, SUPERVISOR: str(supervisor)}
