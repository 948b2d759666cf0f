"""Host patterns mean what Ansible's mean."""

import pytest

from agentctl.config.pattern import NoSuchName, select

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
