"""A name server with ideas of its own: what its answers lead to is looked at once, and all of it."""

import pytest

from tests.engine.egress.conftest import Stage
from tests.fakes.internet import FORBIDDEN, PUBLIC


def hits(stage: Stage) -> set[str]:
    return {where for where, _ in stage.internet.seen("hit")}


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("inside.example", "isn't public"),
        ("mixed.example", "isn't public"),
        ("metadata.example", "never reached"),
    ],
)
def test_a_name_that_leads_to_a_forbidden_address_is_refused(
    stage: Stage, host: str, why: str
) -> None:
    assert stage.refusal(host) == "403"
    assert why in stage.line("egress.refused")["why"]
    assert hits(stage) == set()


def test_a_name_that_moves_is_reached_where_it_was_checked(stage: Stage) -> None:
    """The first answer is fine, each later one is 127.0.0.1: nobody asks a second time."""
    assert stage.get("moves.example", "/")[0] == 200
    assert stage.internet.seen("name") == [["moves.example"]]
    assert hits(stage) == {PUBLIC}
    assert stage.refusal("moves.example") == "403"
    assert FORBIDDEN not in hits(stage)


def test_a_name_that_was_forbidden_is_looked_at_anew_each_time(stage: Stage) -> None:
    assert stage.refusal("arrives.example") == "403"
    assert hits(stage) == set()


@pytest.mark.parametrize("host", ["nowhere.example", "down.example"])
def test_what_has_no_address_or_does_not_answer_is_a_bad_gateway(stage: Stage, host: str) -> None:
    assert stage.refusal(host) == "502"
    assert stage.line("egress.closed")["ended"] == "unreachable"
