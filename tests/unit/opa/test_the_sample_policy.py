"""policies/opa decides as its own table says, evaluated in process."""

import json
from typing import Any

import pytest
from regopy import Interpreter

from tests.fakes.opa import POLICY, sample


def table() -> dict[str, Any]:
    interpreter = Interpreter()  # a module without any rule that reads input fails in regopy 1.5.2
    interpreter.add_module("agentctl", POLICY.read_text())
    interpreter.add_module("cases", POLICY.with_name("cases_test.rego").read_text())
    said = json.loads(str(interpreter.query("data.agentctl.decision_cases")))
    found: dict[str, Any] = said["expressions"][0]
    return found


TABLE = table()


@pytest.mark.parametrize("name", sorted(TABLE["cases"]))
def test_each_case_is_decided_as_the_table_says(name: str) -> None:
    case = TABLE["cases"][name]
    said = sample().decide({**TABLE["question"], **case["asked"]})
    assert (said["allow"], said["reason"]) == (case["allow"], case["reason"])


def test_without_a_question_nothing_is_allowed() -> None:
    assert sample().decide({})["allow"] is False


def test_the_table_has_the_questions_that_the_hub_asks() -> None:
    from agentctl.model.decision import Question
    from agentctl.opa.document import document

    assert set(TABLE["question"]) == set(document(Question(verb="v", principal="p"), generation=1))
