"""The inventory: groups and hosts with the variables each of them gives, in Ansible's order."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from agentctl.config.document import Document
from agentctl.config.finding import Finding, Path, shown
from agentctl.config.host_range import HOSTS_MAX, BadRange, expand, is_range
from agentctl.config.scope import Variable

PRIORITY = "ansible_group_priority"
RANGED_VARIABLES_MAX = 200_000  # variables that ranges give, each counted for each of its hosts
MEMBERSHIPS_MAX = (
    500_000  # hosts that groups have from groups inside: 10,000 hosts, 50 deep or wide
)
IMPLICIT = frozenset({"all", "ungrouped"})  # groups that Ansible never lists in group_names


@dataclass(slots=True)
class Group:
    """A group as the whole inventory describes it. `depth` is its longest way from `all`.

    `priority` is its variable `ansible_group_priority`, which as in Ansible is no variable of its hosts.
    """

    name: str
    depth: int = 0
    priority: int = 1
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Hosts in the file's order, groups by name, and where each host is declared."""

    groups: Mapping[str, Group]
    hosts: Mapping[str, Mapping[str, Variable]]
    declared: Mapping[str, tuple[Document, Path]]
    members: Mapping[str, tuple[str, ...]]  # of each group, its children's hosts included
    groups_of: Mapping[str, tuple[str, ...]]  # of each host, outermost first: later ones win
    group_files: Mapping[str, Mapping[str, Variable]] = field(default_factory=dict)
    host_files: Mapping[str, Mapping[str, Variable]] = field(default_factory=dict)
    wrong: tuple[Finding, ...] = ()  # what keeps it from being what the file says

    def named_groups(self, host: str) -> tuple[str, ...]:
        """Return what Ansible's `group_names` holds: sorted, without `all` and `ungrouped`."""
        return tuple(sorted(set(self.groups_of[host]) - IMPLICIT))

    def layers(self, host: str | None) -> Iterator[tuple[str, Mapping[str, Variable]]]:
        """Yield (where from, variables) for a host, or for all hosts alike, low to high.

        The order is Ansible's: the inventory's `all`, its groups, group_vars/all,
        group_vars/ of the groups, the inventory's host, host_vars/.
        Source: Ansible, "Understanding variable precedence", and DEFAULT_PRECEDENCE.
        """
        groups = self.groups_of[host] if host is not None else ()
        yield "group all", self.groups["all"].variables
        for name in groups:
            yield f"group {name}", self.groups[name].variables
        yield "group_vars/all", self.group_files.get("all", {})
        for name in groups:
            yield f"group_vars/{name}", self.group_files.get(name, {})
        if host is not None:
            yield f"host {host}", self.hosts[host]
            yield f"host_vars/{host}", self.host_files.get(host, {})


@dataclass(slots=True)
class Ranges:
    """Expands the keys of one inventory; counts what its ranges come to, and keeps what is wrong."""

    wrong: list[Finding] = field(default_factory=list)
    hosts_seen: int = 0
    given: int = 0

    def hosts(self, document: Document, at: Path, key: str, variables: int) -> tuple[str, ...]:
        """Return the hosts that a key names; of a range that can't be read none, with a finding."""
        if not is_range(key):
            return (key,)
        try:
            found = expand(key)
            self._count(key, len(found), variables)
        except BadRange as why:
            said = document.finding(
                "host-range", str(why), at, key=True, found=key, suggestion=why.suggestion
            )
            self.wrong.append(said)
            return ()
        return found

    def _count(self, key: str, hosts: int, variables: int) -> None:
        """Raise BadRange when the ranges come to more than a machine should work out from a few lines."""
        self.hosts_seen += hosts
        self.given += hosts * variables
        if self.hosts_seen > HOSTS_MAX:
            raise BadRange(
                f"up to {key!r} the ranges name more than {HOSTS_MAX} hosts, repeats counted",
                "name the group, not its hosts again; or write fewer hosts",
            )
        if self.given > RANGED_VARIABLES_MAX:
            raise BadRange(
                f"up to {key!r} the ranges give more than {RANGED_VARIABLES_MAX} variables to hosts",
                "give them to a group",
            )


def inventory_from(document: Document | None) -> Inventory:
    """Build the inventory from a document, leaving out what has not the shape for it."""
    groups: dict[str, Group] = {"all": Group("all")}
    hosts: dict[str, dict[str, Variable]] = {}
    declared: dict[str, tuple[Document, Path]] = {}
    ranges = Ranges()
    if document is not None and isinstance(document.value, dict):
        for name, body in document.value.items():
            _add(document, (name,), name, body, groups, hosts, declared, ranges)
        for name in document.value:
            if name != "all":
                groups["all"].children.setdefault(name)
    order, circle = _in_order(groups)
    if circle and document is not None:
        ranges.wrong.append(_circle(document, circle))
    _set_depths(groups, order)
    members, too_many = _members(groups, order)
    members["all"] = dict.fromkeys(hosts)
    if too_many and document is not None:
        said = f"hosts are in more than {MEMBERSHIPS_MAX} groups, each counted for each host"
        hint = "put fewer groups into each other"
        ranges.wrong.append(document.finding("too-large", said, ("all",), suggestion=hint))
    _fill_ungrouped(groups, members)
    groups_of: dict[str, list[str]] = {host: [] for host in hosts}
    for group in sorted(groups.values(), key=lambda g: (g.depth, g.priority, g.name)):
        for host in members[group.name] if group.name != "all" else ():
            groups_of[host].append(group.name)
    return Inventory(
        groups=groups,
        hosts=hosts,
        declared=declared,
        members={name: tuple(inside) for name, inside in members.items()},
        groups_of={host: tuple(names) for host, names in groups_of.items()},
        wrong=tuple(ranges.wrong),
    )


def _add(
    document: Document,
    path: Path,
    name: str,
    body: Any,
    groups: dict[str, Group],
    hosts: dict[str, dict[str, Variable]],
    declared: dict[str, tuple[Document, Path]],
    ranges: "Ranges",
) -> None:
    """Add a group and what is in it. A group or host may stand in several places; they add up."""
    group = groups.setdefault(name, Group(name))
    body = _mapping(body)
    group.variables.update(variables(document, (*path, "vars"), body.get("vars")))
    priority = group.variables.pop(PRIORITY, None)
    if priority is not None:
        _set_priority(group, priority, ranges)
    for key, body_of_hosts in _mapping(body.get("hosts")).items():
        at = (*path, "hosts", key)
        given = variables(document, at, body_of_hosts)
        for host in ranges.hosts(document, at, key, len(given)):
            group.hosts.setdefault(host)
            declared.setdefault(host, (document, at))
            hosts.setdefault(host, {}).update(given)
    for child, inner in _mapping(body.get("children")).items():
        group.children.setdefault(child)
        _add(document, (*path, "children", child), child, inner, groups, hosts, declared, ranges)


def _set_priority(group: Group, given: Variable, ranges: "Ranges") -> None:
    """Take a whole number, quoted or not; anything else would leave the order to chance."""
    if re.fullmatch(r"[-+]?[0-9]{1,9}", str(given.raw)):
        group.priority = int(str(given.raw))
        return
    assert given.document is not None
    said = f"{PRIORITY} of {group.name!r} is no whole number: {shown(given.raw)}"
    hint = "write the number out: it orders the groups before anything is rendered"
    ranges.wrong.append(given.document.finding("group-priority", said, given.path, suggestion=hint))


def variables(document: Document, path: Path, given: Any) -> dict[str, Variable]:
    """Return a mapping of the file as variables that know where they stand."""
    at = f"{document.file}:"
    return {
        name: Variable(
            raw, f"{at}{document.position((*path, name), key=True)[0]}", document, (*path, name)
        )
        for name, raw in _mapping(given).items()
    }


def _mapping(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _in_order(groups: Mapping[str, Group]) -> tuple[tuple[str, ...], str]:
    """Return the groups, children before parents, and the name of one that contains itself ("").

    With a circle there is no order: the groups then hold only what stands in themselves.
    """
    try:
        return tuple(
            TopologicalSorter({g.name: g.children for g in groups.values()}).static_order()
        ), ""
    except CycleError as error:
        return (), str(error.args[1][0])


def _circle(document: Document, group: str) -> Finding:
    """Return the finding that stands where the group is named the last time: inside itself."""
    paths = [path for path in _children_of(document.value, ()) if path[-1] == group]
    return document.finding(
        "group-circle", f"the group {group!r} contains itself", paths[-1] if paths else (), key=True
    )


def _children_of(value: Any, path: Path) -> Iterator[Path]:
    """Yield where each group is named as a child. As deep as the reader lets a file be."""
    for name, body in _mapping(value).items():
        for child, inner in _mapping(_mapping(body).get("children")).items():
            at = (*path, name, "children")
            yield (*at, child)
            yield from _children_of({child: inner}, at)


def _fill_ungrouped(groups: dict[str, Group], members: dict[str, dict[str, None]]) -> None:
    """Put into `ungrouped` the hosts that are in no other group, and no others, as Ansible does."""
    grouped = {host for name, inside in members.items() if name not in IMPLICIT for host in inside}
    ungrouped = groups.setdefault("ungrouped", Group("ungrouped", depth=1))
    members[ungrouped.name] = {host: None for host in members["all"] if host not in grouped}


def _set_depths(groups: Mapping[str, Group], order: Sequence[str]) -> None:
    for name in reversed(order):
        for child in groups[name].children:
            groups[child].depth = max(groups[child].depth, groups[name].depth + 1)


def _members(
    groups: Mapping[str, Group], order: Sequence[str]
) -> tuple[dict[str, dict[str, None]], bool]:
    """Return each group's hosts, its children's included; and whether they were too many to count."""
    found = {name: dict(group.hosts) for name, group in groups.items()}
    taken = 0
    for name in order:
        for child in groups[name].children if name != "all" else ():
            taken += len(found[child])
            if taken > MEMBERSHIPS_MAX:
                return found, True
            found[name].update(found[child])
    return found, False
