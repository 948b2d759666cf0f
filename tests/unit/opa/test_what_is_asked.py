"""The input document, as policies are written against it."""

import json

from agentctl.model.decision import Question
from agentctl.opa.document import body, document


def test_a_question_is_told_whole() -> None:
    asked = Question(
        verb="message.send",
        principal="agent:researcher",
        target="agent:developer",
        level="confidential",
        type="request",
        kind="finding",
        capabilities=("code",),
        labels=(("team", "red"),),
        at_s=1.5e9,
    )
    assert document(asked, generation=7) == {
        "version": 1,
        "generation": 7,
        "verb": "message.send",
        "principal": "agent:researcher",
        "agent": "researcher",
        "role": "",
        "target": "agent:developer",
        "level": "confidential",
        "type": "request",
        "kind": "finding",
        "capabilities": ["code"],
        "labels": {"team": "red"},
        "at": 1.5e9,
    }


def test_an_operator_is_no_agent() -> None:
    asked = Question(verb="task.submit", principal="operator:agent:x", role="operator")
    said = document(asked, generation=1)
    assert (said["agent"], said["role"], said["at"]) == ("", "operator", None)


def test_every_fact_of_a_question_is_in_the_document() -> None:
    facts = {name for name in Question.__slots__ if name != "at_s"}
    assert facts <= set(document(Question(verb="v", principal="p"), generation=1))


def test_words_that_are_no_unicode_are_sent_all_the_same() -> None:
    sent = body(Question(verb="v", principal="p", target="\ud800"), generation=1)
    assert json.loads(sent)["input"]["target"] == "\ud800"
