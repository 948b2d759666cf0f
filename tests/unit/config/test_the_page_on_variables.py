"""docs/variables.md names what there is: every filter and test that a template may use, and every layer."""

import re
from pathlib import Path

from agentctl.config.filters import FILTERS, TESTS, TEXT_CHARS_MAX
from agentctl.config.scope import RENDERED_CHARS_MAX
from agentctl.config.template import SOURCE_CHARS_MAX, SYNTAX_NODES_MAX, VALUES_MAX

PAGE = (Path(__file__).parents[3] / "docs/variables.md").read_text(encoding="utf-8")


def words(heading: str) -> set[str]:
    """Return the names in the first column of the table under a heading."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    return {each for row in rows for each in re.findall(r"`(\w+)", row)}


def test_every_filter_is_named_and_no_other() -> None:
    assert words("filter") == set(FILTERS)


def test_every_test_is_named_and_no_other() -> None:
    assert words("test") == {each for each in TESTS if each.isalpha()}


def test_the_bounds_are_those_in_force() -> None:
    kib, mib = 1024, 1024 * 1024
    assert f"{SOURCE_CHARS_MAX // kib} KiB of text with a template" in PAGE
    assert f"{SYNTAX_NODES_MAX} nodes of syntax" in PAGE
    assert f"{TEXT_CHARS_MAX // kib} KiB and {VALUES_MAX:,} values made by one" in PAGE
    assert f"{RENDERED_CHARS_MAX // mib} MiB by all of a project" in PAGE
