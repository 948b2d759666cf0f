"""Agents: those that a person should look at first, and what each container looks like."""

from typing import Any

from agentctl.dashboard.agents import agents


def row(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "host": "local",
        "provider": "ollama",
        "boundary": "private",
        "clearance": "internal",
        "capabilities": ["research"],
        "image": "agent:1",
        "lifecycle": "persistent",
        "replicas": 0,
        "running": 0,
        "queued": 0,
        "instances": [],
        "quarantined": None,
        **more,
    }


def container(state: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "id": "inst-1",
        "state": state,
        "task": None,
        "draining": False,
        "container": "a" * 64,
        "replica": 0,
        "host": "local",
        "label": "internal",
        "provider": "ollama",
        "boundary": "private",
        "reason": None,
        "warm": False,
        "states": {state: 5.0},
        "last_seen_s": 6.0,
        **more,
    }


def names(*rows: dict[str, Any], find: str = "", **wrong: dict[str, str]) -> list[str]:
    found = {"agents": list(rows), "unusable": {}, "away": {}, **wrong}
    return [each.name for each in agents(found, find=find).lines]


def test_those_in_trouble_come_first_then_those_with_the_longest_queue() -> None:
    apart = {"agent": "d", "who": "operator:ada", "why": "", "since_s": 1.0}
    busy, idle = row("b", queued=7), row("a")
    assert names(idle, busy, row("c", replicas=2, running=1), row("d", quarantined=apart)) == [
        "c",
        "d",
        "b",
        "a",
    ]
    assert names(idle, row("z", provider="opus"), away={"opus": "503"}) == ["z", "a"]
    assert names(idle, row("z", provider="opus"), unusable={"opus": "no key"}) == ["z", "a"]


def test_a_word_of_theirs_finds_them() -> None:
    both = (row("clerk", capabilities=["filing"]), row("scribe", host="edge"))
    assert names(*both, find="fil") == ["clerk"]
    assert names(*both, find="edge") == ["scribe"]
    assert names(*both, find="<b>") == []


def test_many_agents_are_counted_not_listed() -> None:
    found = {"agents": [row(f"a{at}") for at in range(7)], "unusable": {}, "away": {}}
    some = agents(found, most=5)
    assert (len(some.lines), some.more) == (5, 2)


def test_a_containers_look_is_what_it_does() -> None:
    shown = [
        container(),
        container(task="task-1"),
        container(draining=True, task="task-1"),
        container("starting"),
        container("recycling", reason="its TTL"),
    ]
    found = {"agents": [row("a", instances=shown)], "unusable": {}, "away": {}}
    (line,) = agents(found).lines
    assert [(each.look.word, each.note) for each in line.boxes] == [
        ("ready", ""),
        ("at work", ""),
        ("draining", ""),
        ("starting", ""),
        ("recycling", "its TTL"),
    ]
    assert line.boxes[0].container == "a" * 12


def test_what_is_missing_of_a_quarantined_or_ephemeral_agent_is_nothing() -> None:
    apart = {"agent": "a", "who": "x", "why": "", "since_s": 1.0}
    rows = [row("a", replicas=2, quarantined=apart), row("b", replicas=4, lifecycle="ephemeral")]
    found = {"agents": rows, "unusable": {}, "away": {}}
    assert [each.missing for each in agents(found).lines] == [0, 0]
