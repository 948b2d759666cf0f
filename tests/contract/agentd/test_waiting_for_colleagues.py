"""Waits of the model's tools: who gets which reply, what breaks a wait off, what a wait knows at its end."""

import time
from pathlib import Path
from typing import Any

from tests.fakes.hub_for_agentd import HubForAgentd, message_id
from tests.fakes.mcp_talk import talking, words


def looks(hub: HubForAgentd) -> int:
    """Return how many looks for mail the hub holds now."""
    return hub.looking


def test_a_cancelled_wait_leaves_its_poll_at_once(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        talk.start("check_inbox", wait_s=60)
        hub.wait_for(lambda: looks(hub) == 1)
        talk.cancel(1)
        hub.wait_for(lambda: looks(hub) == 0, within_s=2)
        assert talk.told("report_progress", number=2, note="still here") == "Reported."


def test_the_end_of_the_cli_leaves_its_polls_at_once(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        talk.start("ask_agent", agent="clerk", text="?", timeout_s=60)
        hub.wait_for(lambda: looks(hub) == 1)
        talk.hang_up()
        hub.wait_for(lambda: looks(hub) == 0, within_s=2)


def test_a_cancelled_call_has_no_answer_and_takes_no_mail(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        talk.start("check_inbox", wait_s=60)
        hub.wait_for(lambda: looks(hub) == 1)
        talk.cancel(1)
        hub.wait_for(lambda: looks(hub) == 0, within_s=2)
        hub.post(1, "event", "for the next look", topic="news")
        assert "for the next look" in talk.told("check_inbox", number=2)


def test_who_waits_beside_a_cancelled_call_waits_on(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        talk.start("check_inbox", 1, wait_s=60)
        hub.wait_for(lambda: looks(hub) == 1)
        talk.start("ask_agent", 2, agent="clerk", text="?", timeout_s=60)
        asked = hub.wait_for_message("request")
        talk.cancel(1)
        hub.wait_for(lambda: len(hub.asked_for_mail()) >= 2)
        hub.post(1, "reply", "forty-two", answers=hub.answer_to(asked)["message"])
        assert "forty-two" in talk.answer(2, within_s=5)["result"]["content"][0]["text"]


def test_a_task_that_ends_says_so_to_who_waits(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        talk.start("ask_agent", agent="clerk", text="?", timeout_s=60)
        hub.wait_for(lambda: looks(hub) == 1)
        hub.lose(hub.polls()[-1].query["holds"][0].split(":")[0])
        answer = talk.answer(within_s=5)["result"]
        assert (answer["isError"], answer["content"][0]["text"]) == (True, "the task has ended")
        hub.wait_for(lambda: looks(hub) == 0, within_s=2)


def test_a_reply_goes_to_who_asked_and_not_to_a_look_beside(
    hub: HubForAgentd, folder: Path
) -> None:
    with talking(hub, folder) as talk:
        talk.start("check_inbox", 1, wait_s=60)
        hub.wait_for(lambda: looks(hub) == 1)
        talk.start("ask_agent", 2, agent="clerk", text="?", timeout_s=60)
        asked = hub.wait_for_message("request")
        hub.post(1, "reply", "forty-two", answers=hub.answer_to(asked)["message"])
        assert "forty-two" in talk.answer(2, within_s=5)["result"]["content"][0]["text"]
        hub.post(2, "event", "and news", topic="news")
        looked = talk.answer(1, within_s=5)["result"]["content"][0]["text"]
        assert "and news" in looked
        assert "forty-two" not in looked


def test_a_reply_that_is_there_before_its_request_is_known_waits_for_who_asked(
    hub: HubForAgentd, folder: Path
) -> None:
    """The request's id comes with the hub's answer, which may be slower than the reply."""

    def reply_first(message: dict[str, Any]) -> None:
        hub.post(1, "reply", "forty-two", answers=message["message"])
        hub.wait_for(lambda: hub.handed(message_id(1)))
        time.sleep(0.2)  # for the look beside to take it, if it may

    hub.answered_by = reply_first
    with talking(hub, folder) as talk:
        talk.start("check_inbox", 1, wait_s=60)
        hub.wait_for(lambda: looks(hub) == 1)
        talk.start("ask_agent", 2, agent="clerk", text="?", timeout_s=5)
        assert "forty-two" in talk.answer(2)["result"]["content"][0]["text"]


def test_two_who_ask_get_each_their_own(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        for number in (1, 2):
            talk.start("ask_agent", number, agent="clerk", text=f"q{number}", timeout_s=60)
        hub.wait_for(lambda: len(hub.sent("request")) == 2)
        for at, asked in enumerate(hub.sent("request")):
            said = f"answer to {asked['payload']['text']}"
            hub.post(at, "reply", said, answers=hub.answer_to(asked)["message"])
        for number in (1, 2):
            text = talk.answer(number, within_s=5)["result"]["content"][0]["text"]
            assert f"answer to q{number}" in text
            assert text.count("answer to") == 1


def test_a_late_reply_comes_to_the_inbox(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        said = talk.refused("ask_agent", agent="clerk", text="?", timeout_s=1)
        assert said.startswith("no reply within 1 s")
        assert "check_inbox" in said
        asked = hub.wait_for_message("request")
        hub.post(1, "reply", "late", answers=hub.answer_to(asked)["message"])
        assert "late" in talk.told("check_inbox", number=2)


def test_a_result_of_a_delegated_task_goes_to_who_waits_for_it(
    hub: HubForAgentd, folder: Path
) -> None:
    with talking(hub, folder) as talk:
        talk.start("check_inbox", 1, wait_s=60)
        hub.wait_for(lambda: looks(hub) == 1)
        talk.start("delegate_task", 2, prompt="a part", wait_s=60)
        asked = hub.wait_for_message("delegate")
        hub.post(1, "delegated", "the part is done", task=hub.answer_to(asked)["task"])
        assert "the part is done" in talk.answer(2, within_s=5)["result"]["content"][0]["text"]


def test_a_wait_that_could_not_ask_the_hub_says_so(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        hub.close()
        for wait_s in (0, 1.5):
            said = talk.refused("check_inbox", wait_s=wait_s)
            assert said.startswith("the hub could not be asked")
            assert "Nothing new" not in said
        hub.start()
        assert talk.told("check_inbox") == "Nothing new."


def test_an_ask_that_could_not_hear_says_so(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        talk.start("ask_agent", agent="clerk", text="?", timeout_s=3)
        hub.wait_for(lambda: looks(hub) == 1)
        hub.close()
        answer = talk.answer(within_s=10)["result"]["content"][0]["text"]
        assert "the hub could not be asked" in answer
        hub.start()


def test_a_look_beside_a_hung_one_knows_that_the_hub_says_nothing(
    hub: HubForAgentd, folder: Path
) -> None:
    """A hub that takes the poll and says nothing more: the look that doesn't wait asks by itself."""
    with talking(hub, folder) as talk:
        talk.start("check_inbox", 1, wait_s=60)
        hub.wait_for(lambda: looks(hub) == 1)
        hub.fault("poll", *[503] * 50)
        failed, said = talk.call("check_inbox", 2)
        assert failed
        assert said.startswith("the hub could not be asked")


def test_a_wait_goes_on_over_a_hub_that_comes_back(hub: HubForAgentd, folder: Path) -> None:
    with talking(hub, folder) as talk:
        talk.start("check_inbox", wait_s=30)
        hub.wait_for(lambda: looks(hub) == 1)
        hub.close()
        hub.start()
        hub.post(1, "event", "after the restart", topic="news")
        assert "after the restart" in talk.answer()["result"]["content"][0]["text"]


def test_a_drain_ends_a_wait_with_its_task_within_the_grace(
    hub: HubForAgentd, folder: Path
) -> None:
    with talking(hub, folder, grace_s=4) as talk:
        talk.start("ask_agent", agent="clerk", text="?", timeout_s=600)
        hub.wait_for(lambda: looks(hub) == 1)
        talk.agentd.terminate()
        assert words(talk.answer(within_s=10)) == (True, "the task has ended")
        failed = hub.wait_for_message("task.failed")["payload"]
        assert (failed["reason"], failed["retryable"]) == ("stopped", True)
        assert talk.agentd.exit_code() == 0
