"""Ansible's host patterns: `a:b`, `a,b`, `!c`, `&d`, wildcards, `all`."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

TERMS_MAX = 1000


class NoSuchName(Exception):
    """A term of a pattern names no host and no group."""

    def __init__(self, term: str) -> None:
        super().__init__(term)
        self.term = term


def select(
    pattern: str | Sequence[str], *, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return the hosts that a pattern selects, in the inventory's order.

    As Ansible does it: first all that is named, then what `&` leaves, then what `!` takes
    away, in whatever order they are written. Raises NoSuchName for a term that is neither
    a host, a group, nor a wildcard.
    """
    text = pattern if isinstance(pattern, str) else ",".join(pattern)
    terms = [term.strip() for term in re.split(r"[,:]", text) if term.strip()][:TERMS_MAX]
    union = [term for term in terms if term[0] not in "!&"]
    chosen: set[str] = set()
    for term in union or ["all"]:
        chosen |= _named(term, hosts, groups)
    for term in terms:
        if term[0] == "&":
            chosen &= _named(term[1:], hosts, groups)
    for term in terms:
        if term[0] == "!":
            chosen -= _named(term[1:], hosts, groups)
    return tuple(host for host in hosts if host in chosen)


def _named(term: str, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> set[str]:
    if term in ("all", "*"):
        return set(hosts)
    if term in groups:
        return set(groups[term])
    if term in hosts:
        return {term}
    if any(sign in term for sign in "*?["):
        found = {host for host in hosts if fnmatchcase(host, term)}
        for group, members in groups.items():
            if fnmatchcase(group, term):
                found |= set(members)
        return found
    raise NoSuchName(term)
