"""A schema that asks for a day's work is refused within seconds, while the hub goes on; honest ones pass."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agentctl.errors import InputError, Throttled
from agentctl.model.task import NewTask
from agentctl.service import judging, output, schema_judge
from agentctl.service.judging import Judges, Known, costly, judged
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from tests.unit.service.conftest import ADMIN, HubAtHand

DOUBLING: dict[str, Any] = {
    "$defs": {f"d{at}": {"anyOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(40)}
    | {"d40": {"type": "string"}},
    "$ref": "#/$defs/d0",
}
AUTOMATA = {"anyOf": [{"pattern": rf"\p{{L}}{{60}}{at}"} for at in range(2000)]}
LISTS = {"items": {"enum": [[at] for at in range(4000)]}}
TREE = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+$"},
        "children": {"type": "array", "items": {"$ref": "#"}},
    },
    "required": ["name"],
}
ROOT = {"name": "root", "children": [{"name": "leaf"}]}
PAUSE_S_MAX = 1.0  # of the other threads; a busy machine's own pauses are a tenth of it


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Measure how long another thread of this process was kept from running."""
    monkeypatch.setattr(schema_judge, "CPU_S_MAX", 1)  # half of it shows the same
    stop, found = threading.Event(), [0.0]

    def tick() -> None:
        before = time.monotonic()
        while not stop.wait(0.01):
            now = time.monotonic()
            found[0] = max(found[0], now - before)
            before = now

    thread = threading.Thread(target=tick)
    thread.start()
    yield found
    stop.set()
    thread.join()


@pytest.mark.parametrize(
    ("schema", "value"), [(DOUBLING, 1), (LISTS, [["x"]] * 8000)], ids=["doubling", "lists"]
)
def test_a_value_that_would_take_hours_fails_while_all_else_goes_on(
    schema: dict[str, Any], value: Any, pauses: list[float]
) -> None:
    assert output.unmet(schema, value) == judging.TOO_LONG
    assert pauses[0] < PAUSE_S_MAX


def test_a_schema_that_takes_gigabytes_is_refused_at_submit(pauses: list[float]) -> None:
    with pytest.raises(InputError, match="to judge"):
        output.check(AUTOMATA)
    assert pauses[0] < PAUSE_S_MAX


def test_honest_schemas_with_references_and_patterns_are_used() -> None:
    output.check(TREE)
    assert output.unmet(TREE, ROOT) == ""
    bent = {"name": "root", "children": [{"name": "LEAF"}]}
    assert output.unmet(TREE, bent) == "children/0/name breaks the schema's pattern"


def test_a_plain_schema_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_in_a_process", pytest.fail)
    plain = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}
    output.check(plain)
    assert output.unmet(plain, {"a": 3}) == "a breaks the schema's enum"


@pytest.mark.parametrize("word", sorted(judging.COSTLY))
def test_what_may_cost_more_than_its_size_is_seen_wherever_it_stands(word: str) -> None:
    assert costly({"items": [{"not": {word: "x"}}]})
    assert not costly({"items": [{"not": {"enum": [word]}}]})


def test_a_verdict_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"$ref": "#/$defs/once", "$defs": {"once": {}}}
    output.check(schema)
    monkeypatch.setattr(judging, "_in_a_process", pytest.fail)
    output.check(schema)
    known = Known(2)
    for name in "abc":
        known.keep(name, "")
    assert [known.find(name) for name in "abc"] == [None, "", ""]


def test_an_agent_has_one_judge_at_a_time_and_operators_have_their_own() -> None:
    judges = Judges()
    with judges.place("agent-a"):
        with pytest.raises(Throttled), judges.place("agent-a"):
            pass
        with judges.place("agent-b"), judges.place(""), judges.place(""):
            pass
    with judges.place("agent-a"):
        pass


def test_a_judge_that_ends_by_itself_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_judge, "__file__", "/no/such/program")
    assert judged(TREE, ROOT, asker="") == judging.TOO_LONG


def test_a_result_is_judged_only_for_who_holds_its_task(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = NewTask(prompt="x", output_schema=TREE, agent="researcher")
    task, _ = submit(at_hand.hub, new, ADMIN)
    who = at_hand.born("researcher")
    monkeypatch.setattr(output, "judged", pytest.fail)
    done = {"id": "b", "type": "task.completed", "task": task.id, "attempt": 1}
    with pytest.raises(Exception, match="is not held"):
        report(at_hand.hub, who, {**done, "payload": {"text": "t", "structured": ROOT}})
    monkeypatch.undo()
    poll(at_hand.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    accepted = {**done, "id": "a", "type": "task.accepted", "payload": {}}
    report(at_hand.hub, who, accepted)
    report(at_hand.hub, who, {**done, "payload": {"text": "t", "structured": ROOT}})
