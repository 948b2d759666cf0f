"""A hub that is away, restarts or forgets: results wait, identities are bought anew, nothing runs twice."""

from itertools import pairwise
from pathlib import Path

from tests.fakes.agentd_process import command, running
from tests.fakes.hub_for_agentd import HubForAgentd

COUNTS = "echo run >> runs; cat"


def test_a_result_is_sent_again_under_the_same_id_until_the_hub_took_it(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder) as agentd:
        hub.fault("task.completed", 503, 500, 429)
        hub.give()
        hub.wait_for(lambda: "result.settled" in agentd.events())
        spooled = list((agentd.workspace / ".agentctl" / "spool").iterdir())
        sent = [
            each.body
            for each in hub.requests
            if each.method == "POST" and each.body.get("type") == "task.completed"
        ]
    assert len(sent) == 4
    assert len({each["id"] for each in sent}) == 1
    assert spooled == []


def test_a_task_that_ends_while_the_hub_is_away_is_settled_when_it_is_back(
    hub: HubForAgentd, folder: Path
) -> None:
    waits = f"{COUNTS}; touch begun; while [ ! -e go ]; do sleep 0.01; done"
    with running(hub, folder, executor=command("sh", "-c", waits)) as agentd:
        hub.give(prompt="worth keeping")
        hub.wait_for(lambda: (agentd.workspace / "begun").exists())
        hub.close()
        (agentd.workspace / "go").touch()
        hub.wait_for(lambda: "task.ended" in agentd.events())
        hub.wait_for(lambda: agentd.events().count("hub.away") >= 2)
        hub.start()
        done = hub.wait_for_message("task.completed")
        assert done["payload"]["text"] == "worth keeping"
        assert (agentd.workspace / "runs").read_text() == "run\n"


def test_an_agent_finds_a_hub_that_comes_later(hub: HubForAgentd, folder: Path) -> None:
    hub.close()
    with running(hub, folder) as agentd:
        hub.wait_for(lambda: "hub.away" in agentd.events())
        hub.start()
        hub.give()
        hub.wait_for_message("task.completed")


def test_a_result_that_the_hub_finds_malformed_becomes_a_failure_in_plain_words(
    hub: HubForAgentd, folder: Path
) -> None:
    hub.fault("task.completed", 422)
    with running(hub, folder):
        hub.give()
        failed = hub.wait_for_message("task.failed")["payload"]
    assert failed["reason"] == "crashed"
    assert failed["detail"] == "the hub did not take the result: as the test wants it"


def test_a_result_that_is_stale_is_dropped_and_the_slot_is_free(
    hub: HubForAgentd, folder: Path
) -> None:
    hub.fault("task.completed", 409)
    with running(hub, folder):
        first = hub.give(1)
        hub.wait_for_message("task.accepted")
        hub.lose(first)
        hub.give(2, prompt="next")
        hub.wait_for(lambda: any(m["payload"].get("text") == "next" for m in hub.messages))


def test_an_svid_that_the_hub_no_longer_takes_is_bought_anew(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder):
        hub.give(1)
        hub.wait_for_message("task.completed")
        hub.expire_svids()
        hub.give(2)
        hub.wait_for(lambda: len(hub.sent("task.completed")) == 2)


def _bought_at_s(hub: HubForAgentd) -> list[float]:
    return [each.at_s for each in hub.requests if each.path == "/api/hub/svid"]


def test_an_svid_is_renewed_at_half_its_life(hub: HubForAgentd, folder: Path) -> None:
    hub.svid_s = 1.0
    with running(hub, folder):
        hub.wait_for(lambda: len(_bought_at_s(hub)) >= 3)
        gaps = [later - at for at, later in pairwise(_bought_at_s(hub))]
    assert all(0.45 < gap < 1.0 for gap in gaps), gaps


def test_a_refused_instance_token_is_asked_with_again_and_not_logged(
    hub: HubForAgentd, folder: Path
) -> None:
    tokens, hub.instance_tokens = hub.instance_tokens, set()
    with running(hub, folder) as agentd:
        hub.wait_for(lambda: "hub.away" in agentd.events())
        hub.instance_tokens = tokens
        hub.give()
        hub.wait_for_message("task.completed")
        assert not any(token in agentd.log() for token in tokens)


def test_the_same_assignment_twice_is_one_run(hub: HubForAgentd, folder: Path) -> None:
    waits = f"{COUNTS}; touch begun; while [ ! -e go ]; do sleep 0.01; done"
    hub.forgets_what_is_held = True
    with running(hub, folder, slots=2, executor=command("sh", "-c", waits)) as agentd:
        hub.give()
        hub.wait_for(lambda: len([p for p in hub.polls() if "holds" in p.query]) >= 3)
        (agentd.workspace / "go").touch()
        hub.wait_for_message("task.completed")
        assert (agentd.workspace / "runs").read_text() == "run\n"
