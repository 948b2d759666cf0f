"""What `--limit`, `--tags` and `--skip-tags` leave of a project, with Ansible's meaning."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`limited` is None without a limit; else the hosts that are left."""

    limited: frozenset[str] | None = None
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()

    def hosts(self, hosts: Sequence[str]) -> tuple[str, ...]:
        """Return those of `hosts` that the limit leaves."""
        if self.limited is None:
            return tuple(hosts)
        return tuple(host for host in hosts if host in self.limited)

    def tagged(self, tags: Sequence[str]) -> bool:
        """Whether something with these tags is selected.

        `always` is selected unless skipped by name, `never` only by name; `tagged`,
        `untagged` and `all` select as Ansible's do.
        """
        mine = set(tags)
        if self._skips(mine):
            return False
        wanted = set(self.tags) or {"all"}
        if mine & (wanted - {"all", "tagged", "untagged"}):
            return True
        if "never" in mine:
            return False
        if "always" in mine or "all" in wanted:
            return True
        return ("tagged" in wanted and bool(mine)) or ("untagged" in wanted and not mine)

    def _skips(self, mine: set[str]) -> bool:
        skipped = set(self.skip_tags)
        if "all" in skipped:  # what is `always` goes on, unless it is skipped by that name
            return "always" not in mine or "always" in skipped
        if "untagged" in skipped and not mine:
            return True
        return bool(mine & skipped) or ("tagged" in skipped and bool(mine))
