"""Restarts come later each time and are forgiven; a child's environment holds nothing that wasn't named."""

import json
import logging

from agentctl.supervise.environment import scrubbed
from agentctl.supervise.log_lines import JsonLine
from agentctl.supervise.restart import DELAY_MAX_S, JITTER, Restarts


def fallen(times: int) -> Restarts:
    restarts = Restarts()
    for _ in range(times):
        restarts = restarts.fell(started_s=0.0, now_s=1.0)
    return restarts


def test_delays_double_up_to_a_minute() -> None:
    delays = [fallen(times).delay_s(0.0) for times in (1, 2, 3, 8, 100)]
    assert delays == [0.5, 1.0, 2.0, 60.0, 60.0]


def test_jitter_adds_at_most_a_quarter() -> None:
    assert fallen(100).delay_s(1.0) == DELAY_MAX_S * (1 + JITTER)


def test_a_minute_of_health_is_forgiveness() -> None:
    assert fallen(9).fell(started_s=0.0, now_s=60.0) == Restarts(falls=1)


def test_a_childs_environment_holds_only_what_it_needs_and_what_was_allowed() -> None:
    shell = {
        "PATH": "/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "ANTHROPIC_API_KEY": "sk-1",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AGENTCTL_TOKEN": "op1.x",
        "HTTPS_PROXY": "http://proxy",
        "LD_PRELOAD": "/tmp/x.so",
    }
    assert scrubbed(shell, state="/state", supervisor=7) == {
        "PATH": "/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "AGENTCTL_STATE": "/state",
        "AGENTCTL_SUPERVISOR": "7",
    }
    allowed = scrubbed(shell, state="/state", supervisor=7, allowed=["ANTHROPIC_API_KEY"])
    assert allowed["ANTHROPIC_API_KEY"] == "sk-1"
    assert "AWS_SECRET_ACCESS_KEY" not in allowed


def test_a_log_line_is_one_json_object_with_its_extra_fields() -> None:
    record = logging.LogRecord("agentctl.x", logging.INFO, "f.py", 1, "two\n%s", ("lines",), None)
    record.instance = "inst-1"
    line = JsonLine("hub").format(record)
    assert "\n" not in line
    found = json.loads(line)
    del found["time"]
    assert found == {
        "level": "info",
        "process": "hub",
        "logger": "agentctl.x",
        "message": "two\nlines",
        "instance": "inst-1",
    }
