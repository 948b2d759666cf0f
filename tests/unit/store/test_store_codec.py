"""A sealed record is read back as it was, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.errors import StateDamaged
from agentctl.store import Table
from agentctl.store.codec import seal, unseal

KEY, VALUE = b"task-1\0", b'{"state":"queued"}'


@given(st.binary(min_size=1), st.binary())
def test_what_is_sealed_is_read_back(key: bytes, value: bytes) -> None:
    assert unseal(Table.TASKS, key, seal(Table.TASKS, key, value)) == value


@given(st.integers(0, 8 * (8 + len(VALUE)) - 1))
def test_every_flipped_bit_is_found(bit: int) -> None:
    stored = bytearray(seal(Table.TASKS, KEY, VALUE))
    stored[bit // 8] ^= 1 << bit % 8
    with pytest.raises(StateDamaged):
        unseal(Table.TASKS, KEY, bytes(stored))


@pytest.mark.parametrize("stored", [b"", b"short", b"12345678"])
def test_a_cut_off_record_is_found(stored: bytes) -> None:
    with pytest.raises(StateDamaged):
        unseal(Table.TASKS, KEY, stored)


def test_key_and_value_cannot_trade_bytes() -> None:
    stored = seal(Table.TASKS, b"a", b"b" + VALUE)
    with pytest.raises(StateDamaged):
        unseal(Table.TASKS, b"ab", stored[:8] + VALUE)


def test_every_table_has_a_seal_of_its_own() -> None:
    assert len({seal(table, KEY, VALUE) for table in Table}) == len(Table)


def test_the_error_names_table_and_key_and_says_what_to_do() -> None:
    with pytest.raises(StateDamaged) as found:
        unseal(Table.INSTANCES, b"inst-1\0", b"")
    assert str(found.value) == (
        "record 'inst-1/' of table instances is damaged: its checksum doesn't match; "
        "check the disk and run `agentctl state verify`: docs/recovery.md"
    )
