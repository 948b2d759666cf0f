"""Host patterns mean what Ansible's mean."""

import pytest

from agentctl.config.pattern import NoSuchName, WrongPattern, select

HOSTS = ("a1", "a2", "b1", "c1")
GROUPS = {"a": ("a1", "a2"), "b": ("b1",), "ab": ("a1", "a2", "b1"), "all": HOSTS}


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("all", "a1 a2 b1 c1"),
        ("*", "a1 a2 b1 c1"),
        ("a", "a1 a2"),
        ("c1", "c1"),
        ("a:b", "a1 a2 b1"),
        ("b,a", "a1 a2 b1"),
        ("ab:!b", "a1 a2"),
        ("!b:ab", "a1 a2"),
        ("ab:&a", "a1 a2"),
        ("ab:&a:!a1", "a2"),
        ("?1", "a1 b1 c1"),
        ("b*", "b1"),
        ("a*", "a1 a2 b1 c1"),  # the group `all` matches too
        ("!a", "b1 c1"),
        ("z*", ""),
    ],
)
def test_a_pattern_selects_as_ansible_does(pattern: str, hosts: str) -> None:
    assert " ".join(select(pattern, hosts=HOSTS, groups=GROUPS)) == hosts


def test_a_name_that_is_nowhere_is_told() -> None:
    with pytest.raises(NoSuchName) as told:
        select("a:bb", hosts=HOSTS, groups=GROUPS)
    assert told.value.term == "bb"
    assert (str(told.value), told.value.suggestion) == (
        "no host and no group is called 'bb'",
        "did you mean 'b'?",
    )


@pytest.mark.parametrize(
    ("pattern", "said", "suggestion"),
    [
        ("~a.*", "'~a.*' is a regular expression, and none are read here", "wildcards"),
        ("all:!~a.*", "'~a.*' is a regular expression, and none are read here", "wildcards"),
        ("a[0]", "'a[0]' is a place in a group, and none are read here", "a group of its own"),
        ("b:!a[-1]", "'a[-1]' is a place in a group, and none are read here", "a group of its own"),
        ("a[0:1]", "'a[0:1]' is a place in a group, and none are read here", "a group of its own"),
        ("a[1:]", "'a[1:]' is a place in a group, and none are read here", "a group of its own"),
        ("a[01]", "'a[01]' is a place in a group, and none are read here", "a group of its own"),
        ("{{ where }}", "'{{ where }}' is a template, and a pattern is none", "--limit"),
        ("c1,a:!a1", "'a:!a1' stands between commas", "commas alone, or colons alone"),
    ],
)
def test_what_ansible_reads_otherwise_is_refused(pattern: str, said: str, suggestion: str) -> None:
    with pytest.raises(WrongPattern) as told:
        select(pattern, hosts=HOSTS, groups=GROUPS)
    assert str(told.value).startswith(said)
    assert suggestion in told.value.suggestion


def test_a_list_of_patterns_is_their_union() -> None:
    assert select(["c1", "a:!a1"], hosts=HOSTS, groups=GROUPS) == ("a2", "c1")


def test_brackets_that_are_no_place_stand_for_one_of_their_letters() -> None:
    assert select("[ab]1", hosts=HOSTS, groups=GROUPS) == ("a1", "b1")


def test_no_term_of_a_long_pattern_is_passed_over() -> None:
    hosts = tuple(f"h{each}" for each in range(1001))
    with pytest.raises(WrongPattern, match="a pattern of 1001 terms"):
        select(":".join(f"!{host}" for host in hosts), hosts=hosts, groups={})
