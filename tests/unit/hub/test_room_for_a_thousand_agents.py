"""A thousand agents fit the hub's bounds: connections, places to wait in, file descriptors."""

import logging
import resource

import pytest

from agentctl import bootstrap
from agentctl.hub import agents

AGENTS = 1000
IDLE_CONNECTIONS_EACH = 2  # agentd's poll and its heartbeat, each on a line of its own

Limits = tuple[int, int]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[Limits]:
    """The process's limits as (soft, hard); what is set is appended."""
    seen: list[Limits] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: seen[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _which, to: seen.append(to))
    return seen


def test_the_agents_listener_has_room_for_their_polls_and_heartbeats() -> None:
    assert bootstrap.AGENT_CONNECTIONS_MAX >= 2 * AGENTS * IDLE_CONNECTIONS_EACH
    assert bootstrap.DESCRIPTORS_WANTED > bootstrap.AGENT_CONNECTIONS_MAX
    assert agents.POLLS_WAITING_MAX >= AGENTS
    assert bootstrap.AGENT_THREADS > agents.POLLS_WAITING_MAX


def test_the_usual_thousand_descriptors_are_raised_to_what_is_wanted(limits: list[Limits]) -> None:
    limits.append((1024, 524_288))
    bootstrap._take_descriptors()
    assert limits[-1] == (bootstrap.DESCRIPTORS_WANTED, 524_288)


@pytest.mark.parametrize("soft", [1_000_000, resource.RLIM_INFINITY])
def test_a_higher_limit_is_left_alone(limits: list[Limits], soft: int) -> None:
    limits.append((soft, resource.RLIM_INFINITY))
    bootstrap._take_descriptors()
    assert limits == [(soft, resource.RLIM_INFINITY)]


def test_a_lower_bound_is_used_up_and_said(
    limits: list[Limits], caplog: pytest.LogCaptureFixture
) -> None:
    limits.append((1024, 4096))
    with caplog.at_level(logging.WARNING):
        bootstrap._take_descriptors()
    assert limits[-1] == (4096, 4096)
    assert "only 4096 file descriptors: enough for 1024 agents" in caplog.text
