"""Sizes and durations: a number and a unit, nothing else."""

import pytest

from agentctl.config.quantity import duration_s, size_bytes


def test_sizes_are_bytes() -> None:
    assert size_bytes("2GiB") == 2 * 1024**3
    assert size_bytes("1.5kB") == 1500


def test_durations_are_seconds() -> None:
    assert duration_s("24h") == 86400.0
    assert duration_s("250ms") == 0.25


@pytest.mark.parametrize(
    "text", ["2g", "2", "GiB", "-1GiB", "2GiB\n", "1e3GiB", "9" * 40 + "GiB", ""]
)
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="a size"):
        size_bytes(text)


@pytest.mark.parametrize("text", ["5", "5 m", "m", "1h30m", "5m\n", "-5s", "∞s"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="a duration"):
        duration_s(text)
