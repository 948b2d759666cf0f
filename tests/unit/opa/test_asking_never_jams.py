"""What goes wrong in the hub itself while OPA is asked is no answer, and nothing waits for it for ever."""

import threading
from typing import Any

import pytest

from agentctl.model.decision import Question
from agentctl.model.fleet import Opa
from agentctl.opa import NoAnswer, OpaServer, resolve, server
from agentctl.opa.breaker import FAILURES_MAX, REST_S

WHERE = Opa(enabled=True, url="https://opa.example", path="agentctl", timeout_s=0.25)
QUESTION = Question(verb="model.call", principal="agent:a")


def test_a_defect_while_one_is_let_through_lets_the_next_through_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 0.0
    asked = 0

    def broken(*_: Any) -> NoAnswer:
        nonlocal asked
        asked += 1
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(server, "clock", lambda: now_s)
    monkeypatch.setattr(server, "_asked", broken)
    client = OpaServer()
    for _ in range(FAILURES_MAX + 2):
        assert isinstance(client.ask(WHERE, QUESTION, generation=1), NoAnswer)
    assert asked == FAILURES_MAX
    for more in (1, 2):
        now_s += REST_S + 1
        assert isinstance(client.ask(WHERE, QUESTION, generation=1), NoAnswer)
        assert asked == FAILURES_MAX + more


def test_a_name_that_no_thread_could_look_up_is_looked_up_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none)
        with pytest.raises(OSError, match="resolved now"):
            resolve.resolve("localhost", 1, within_s=0.25)
    assert resolve.resolve("localhost", 1, within_s=5)
