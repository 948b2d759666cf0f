"""Each check: when it finds something, in which words, and when it keeps quiet."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from agentctl.model.alert import Finding
from agentctl.model.fleet import Monitoring
from agentctl.model.mode import Mode, ModeName
from agentctl.monitor.checks import (
    actions,
    check,
    dead_letters,
    drift,
    engines,
    heartbeats,
    held,
    keys,
    mode,
    observation,
    providers,
    signing_key,
    stalled,
    throughput,
    ttl,
)
from agentctl.monitor.snapshot import (
    Capacity,
    Living,
    Looked,
    Snapshot,
    Step,
    Upstream,
    Waiting,
    Working,
)

NOW = 1_000_000.0
QUIET = Snapshot(now_s=NOW, moved_s=NOW, looked_s=NOW)
STILL = replace(QUIET, moved_s=NOW - 301)
OLD_WORK = {"researcher": Waiting(tasks=3, oldest_s=NOW - 400)}
BORN = Living(
    instance="inst-1",
    agent="researcher",
    host="local",
    state="running",
    created_s=NOW - 100,
    seen_s=NOW,
    ttl_s=3600.0,
    grace_s=30.0,
)
CREATE = Step(
    verb="create", host="local", agent="researcher", replica=0, state="failed", error="no image"
)


def said(findings: Iterator[Finding]) -> list[str]:
    return [f"{each.check}[{each.subject}] {each.words}" for each in findings]


def test_a_fleet_that_is_well_has_no_finding() -> None:
    assert check(replace(QUIET, living=(BORN,), working=())) == ()


# throughput


def test_an_empty_queue_is_no_finding_however_long_it_lasts() -> None:
    assert said(throughput.check(replace(STILL, moved_s=0.0))) == []


@pytest.mark.parametrize(
    ("capacity", "why"),
    [
        ({}, "no-capacity"),
        ({"researcher": Capacity(ready=2, busy=2)}, "all-busy"),
        ({"researcher": Capacity(ready=2, busy=1)}, "all-refused"),
    ],
)
def test_waiting_work_that_stands_still_says_what_it_lacks(
    capacity: dict[str, Capacity], why: str
) -> None:
    found = list(throughput.check(replace(STILL, waiting=OLD_WORK, capacity=capacity)))
    assert [each.subject for each in found] == [why]
    assert found[0].words.startswith("no work has moved for 300 s: work of researcher (3) waits")


def test_when_all_is_held_that_is_what_is_said() -> None:
    snapshot = replace(STILL, held={"no agent is cleared": 4, "x": 1}, held_oldest_s=NOW - 500)
    assert said(throughput.check(snapshot)) == [
        (
            "throughput[all-held] no work has moved for 300 s:"
            " all 5 tasks that wait are held, most because no agent is cleared"
        )
    ]


@pytest.mark.parametrize(
    "fine",
    [
        replace(STILL, waiting={"a": Waiting(tasks=1, oldest_s=NOW - 10)}),
        replace(STILL, waiting=OLD_WORK, moved_s=NOW - 299),
        replace(STILL, waiting=OLD_WORK, mode=Mode(name=ModeName.PAUSED)),
    ],
    ids=["it came just now", "something moved", "it stands by order"],
)
def test_work_that_may_stand_is_no_finding(fine: Snapshot) -> None:
    assert said(throughput.check(fine)) == []


# containers


def test_a_running_container_may_be_silent_for_a_long_poll_and_no_longer() -> None:
    quiet = replace(BORN, seen_s=NOW - 44)
    silent = replace(BORN, seen_s=NOW - 46)
    assert said(heartbeats.check(replace(QUIET, living=(quiet,)))) == []
    assert said(heartbeats.check(replace(QUIET, living=(silent, quiet)))) == [
        "heartbeat[researcher] 1 of researcher's containers is silent: inst-1 on local for 46 s"
    ]


def test_a_slow_heartbeat_is_given_three_beats() -> None:
    slow = replace(QUIET, monitoring=Monitoring(heartbeat_s=60, lease_s=120))
    assert said(heartbeats.check(replace(slow, living=(replace(BORN, seen_s=NOW - 170),)))) == []
    assert said(heartbeats.check(replace(slow, living=(replace(BORN, seen_s=NOW - 190),)))) != []


def test_a_container_that_does_not_come_up_is_another_matter_than_a_silent_one() -> None:
    starting = replace(BORN, state="starting", seen_s=NOW - 61)
    found = list(heartbeats.check(replace(QUIET, living=(starting,))))
    assert [each.subject for each in found] == ["researcher start"]


def test_one_that_is_being_recycled_need_not_speak() -> None:
    leaving = replace(BORN, state="recycling", seen_s=0.0)
    assert said(heartbeats.check(replace(QUIET, living=(leaving,)))) == []


def test_a_container_past_ttl_grace_and_slack_is_named() -> None:
    fine = replace(BORN, created_s=NOW - 3600 - 30 - 90)
    late = replace(fine, created_s=fine.created_s - 1)
    assert said(ttl.check(replace(QUIET, living=(fine,)))) == []
    assert said(ttl.check(replace(QUIET, living=(late,)))) == [
        "ttl[inst-1] researcher on local lives 91 s past its TTL of 3600 s"
    ]
    unknown = replace(late, ttl_s=None)
    assert said(ttl.check(replace(QUIET, living=(unknown,)))) == []


# tasks


def working(number: int, moved_s: float) -> Working:
    return Working(task=f"task-{number}", agent="researcher", instance="inst-1", moved_s=moved_s)


def test_a_task_without_progress_is_stalled_and_names_its_agent() -> None:
    two = (working(1, NOW - 601), working(2, NOW - 599))
    assert said(stalled.check(replace(QUIET, working=two))) == [
        (
            "stalled[task-1] researcher holds it alive and without progress for 601 s;"
            " `agentctl task show task-1`"
        )
    ]


def test_a_fleet_that_stands_still_does_not_page_a_thousand_times() -> None:
    many = tuple(working(number, 0.0) for number in range(1000))
    found = list(stalled.check(replace(QUIET, working=many)))
    assert len(found) == stalled.NAMED_MAX + 1
    assert found[-1].words == "1000 tasks are without progress, not only those named"


def test_held_tasks_are_one_finding_with_the_reason_that_most_have() -> None:
    assert said(held.check(replace(QUIET, held={"a": 1, "b": 2}))) == [
        "tasks-held[] 3 held, most because b; `agentctl tasks --state held`"
    ]


def test_dead_letters_are_counted() -> None:
    assert said(dead_letters.check(QUIET)) == []
    assert said(dead_letters.check(replace(QUIET, dead=2)))[0].startswith(
        "dead-letters[] 2 dead within 24 h"
    )


# the fleet's own state


def test_a_mode_says_who_and_why_and_its_name_is_the_subject() -> None:
    panic = Mode(name=ModeName.PANIC, reason="leak", who="operator:ann")
    assert said(mode.check(replace(QUIET, mode=panic))) == [
        "mode[panic] panic by operator:ann: leak"
    ]
    assert said(mode.check(QUIET)) == []


def test_each_host_that_is_down_is_a_finding_and_one_missed_look_is_none() -> None:
    hosts = (
        Looked(name="gpu", down=True, error="refused"),
        Looked(name="local", down=False, error="late once"),
    )
    assert said(engines.check(replace(QUIET, hosts=hosts))) == [
        "engine[gpu] the engine of gpu doesn't answer: refused"
    ]


def test_engines_that_nobody_looks_at_are_a_finding() -> None:
    assert said(observation.check(replace(QUIET, looked_s=NOW - 120))) == []
    assert len(said(observation.check(replace(QUIET, looked_s=NOW - 121)))) == 1
    assert said(observation.check(replace(QUIET, looked_s=None))) == []


def test_a_failed_action_stays_a_finding_while_it_is_held_back_and_goes_when_it_succeeds() -> None:
    back = replace(CREATE, state="waiting", error="no image (failed 2 times; tried again)")
    for step in (CREATE, back):
        (found,) = actions.check(replace(QUIET, steps=(step,)))
        assert found.subject == "local/researcher/0"
    waits = replace(CREATE, state="waiting", error="")
    done = replace(CREATE, state="done", error="")
    assert said(actions.check(replace(QUIET, steps=(waits, done)))) == []


def test_drift_is_said_when_it_lasts_and_only_in_normal_mode() -> None:
    apart = replace(QUIET, apart_since_s=NOW - 601, steps=(CREATE,))
    assert said(drift.check(apart)) == [
        "drift[] not as declared for 601 s: create local/researcher/0; `agentctl plan` shows it"
    ]
    assert said(drift.check(replace(apart, apart_since_s=NOW - 599))) == []
    assert said(drift.check(replace(apart, mode=Mode(name=ModeName.DEGRADED)))) == []


def test_a_drain_under_way_is_no_drift() -> None:
    draining = replace(CREATE, verb="replace", state="waiting", error="")
    assert said(drift.check(replace(QUIET, apart_since_s=0.0, steps=(draining,)))) == []


def test_a_provider_is_named_after_three_failures_and_a_refused_key_at_once() -> None:
    def found(failures: int, word: str) -> list[str]:
        upstream = Upstream(failures=failures, word=word, since_s=0.0)
        return said(providers.check(replace(QUIET, upstreams={"opus": upstream})))

    assert found(2, "529") == []
    assert found(3, "upstream-failed") == [
        "provider[opus] 3 calls in a row to opus failed, the last with upstream-failed"
    ]
    assert found(1, "401") == ["provider[opus] opus refuses the key (401)"]


def test_a_provider_without_a_key_is_named_with_where_it_should_be() -> None:
    snapshot = replace(QUIET, unusable={"opus": "key file /etc/opus is missing"})
    assert said(keys.check(snapshot)) == [
        "provider-key[opus] provider unusable: key file /etc/opus is missing"
    ]


def test_an_old_signing_key_is_named_with_its_age() -> None:
    young = replace(QUIET, key_made_s=NOW - 90 * 86400)
    assert said(signing_key.check(young)) == []
    old = replace(QUIET, key_made_s=NOW - 91 * 86400)
    assert said(signing_key.check(old))[0].startswith(
        "signing-key[] the key that signs SVIDs is 91 days old, the bound is 90;"
    )
