"""Keys sort as what they stand for, and different things never share one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.store import keys

parts = st.lists(st.text(), min_size=1, max_size=3)


@given(parts, parts)
def test_different_parts_make_different_keys(one: list[str], other: list[str]) -> None:
    assert (keys.text(*one) == keys.text(*other)) == (one == other)


@given(st.lists(st.text(max_size=600), min_size=1, max_size=3))
def test_three_parts_and_a_number_fit_a_key(three: list[str]) -> None:
    assert 0 < len(keys.text(*three) + keys.number(0)) <= 511


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_numbers_sort_as_numbers(one: int, other: int) -> None:
    assert (keys.number(one) < keys.number(other)) == (one < other)
    assert keys.number_of(keys.number(one)) == one


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-(2**63) + 1, 2**63 - 1))
def test_descending_numbers_sort_from_high_to_low(one: int, other: int) -> None:
    assert (keys.descending(one) < keys.descending(other)) == (one > other)


@given(st.binary(max_size=4), st.binary(max_size=6))
def test_the_successor_of_a_prefix_is_above_all_its_keys_and_no_others(
    prefix: bytes, key: bytes
) -> None:
    end = keys.successor(prefix)
    below = key >= prefix and (end is None or key < end)
    assert below == key.startswith(prefix)


@pytest.mark.parametrize(("key", "last"), [(b"a\0b\0", "b"), (b"a\0", "a"), (b"a\0\0", "")])
def test_the_last_part_is_read_back(key: bytes, last: str) -> None:
    assert keys.last_text(key) == last
