"""Ansible's host patterns: `a:b`, `a,b`, `!c`, `&d`, wildcards, `all`.

What Ansible would read as something else than it looks like here is refused: regular expressions
(`~a.*`; one can be written that never ends), and places in a group (`a[0]`; a new host moves them).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from agentctl.config.finding import WEIGHED_MAX, did_you_mean, listed

TERMS_MAX = 1000

_PLACE = re.compile(r".+\[(-?[0-9]+|[0-9]+[:-][0-9]*)\]")  # Ansible's own form for it
_TERM = re.compile(r"(?:[^:\[]|\[[^\]]*(?:\]|$))+")  # a colon in brackets parts nothing


class WrongPattern(Exception):
    """A pattern that can't be followed: which term, what is wrong with it, what to write."""

    rule = "host-pattern"

    def __init__(self, term: str, message: str, suggestion: str, expected: str = "") -> None:
        super().__init__(message)
        self.term = term
        self.suggestion = suggestion
        self.expected = expected


class NoSuchName(WrongPattern):
    """A term of a pattern names no host and no group."""

    rule = "unknown-host"


def select(
    pattern: str | Sequence[str], *, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return the hosts that a pattern selects, in the inventory's order.

    As Ansible does it: first all that is named, then what `&` leaves, then what `!` takes
    away, in whatever order they are written. Raises NoSuchName for a term that is neither
    a host, a group, nor a wildcard, WrongPattern for one that isn't read here.
    """
    terms = terms_of(pattern)
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


def terms_of(pattern: str | Sequence[str]) -> tuple[str, ...]:
    """Return the terms of a pattern, repeats left out. Raises WrongPattern for too many."""
    texts = [pattern] if isinstance(pattern, str) else pattern
    terms = tuple(dict.fromkeys(term for text in texts for term in _terms(text)))
    if len(terms) > TERMS_MAX:
        raise WrongPattern(
            "", f"a pattern of {len(terms)} terms", f"at most {TERMS_MAX}: use groups"
        )
    return terms


def _terms(text: str) -> Iterator[str]:
    """Yield what commas part, or else colons: as in Ansible not both."""
    parts = text.split(",") if "," in text else _TERM.findall(text)
    for part in parts:
        term = part.strip()
        if "," in text and len(_TERM.findall(term)) > 1:
            raise WrongPattern(
                term,
                f"{term!r} stands between commas, where Ansible takes it for one name",
                "write commas alone, or colons alone",
            )
        if term:
            yield term


def _named(term: str, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> set[str]:
    if term in ("all", "*"):
        return set(hosts)
    if term in groups:
        return set(groups[term])
    if term in hosts:
        return {term}
    _refuse_what_is_not_read(term)
    if any(sign in term for sign in "*?["):
        found = {host for host in hosts if fnmatchcase(host, term)}
        for group, members in groups.items():
            if fnmatchcase(group, term):
                found |= set(members)
        return found
    known = [*hosts, *(each for each in groups if each != "ungrouped" or groups[each])]
    raise NoSuchName(
        term,
        f"no host and no group is called {term!r}",
        did_you_mean(term, known),
        f"one of {listed(sorted(known[:WEIGHED_MAX]))}",
    )


def _refuse_what_is_not_read(term: str) -> None:
    if "{{" in term:
        said = f"{term!r} is a template, and a pattern is none"
        raise WrongPattern(term, said, "name a group, and choose hosts with --limit")
    if term.startswith("~"):
        said = f"{term!r} is a regular expression, and none are read here"
        raise WrongPattern(term, said, "use wildcards (web*, web0?), or a group")
    if _PLACE.fullmatch(term):
        said = f"{term!r} is a place in a group, and none are read here: a new host would move it"
        raise WrongPattern(term, said, "name the host, or make a group of its own for it")
