"""An agent set apart while OPA is asked gets nothing, and isn't taken for one that OPA refused."""

from dataclasses import replace

import pytest

from agentctl.errors import AgentctlError, Refused
from agentctl.model.task import NewTask, TaskState
from agentctl.service import quarantine
from agentctl.service.mail_room import Place
from agentctl.service.submit import submit
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.fakes.talk import at_work, lines
from tests.unit.service.conftest import ADMIN
from tests.unit.service.opa.conftest import FROZEN, Narrowed
from tests.unit.service.test_delegating import delegate

OTHER = replace(RESEARCHER, name="other")


def set_apart(at: Narrowed, agent: str) -> None:
    """Have the agent quarantined while the next question is out."""

    def ordered() -> None:
        at.opa.meanwhile = lambda: None
        quarantine.quarantine(at.hub, agent, ADMIN, why="odd")

    at.opa.meanwhile = ordered


def waiting(at: Narrowed, agent: str) -> int:
    return len(at.hub.live.mail.clear(Place(agent)))


def test_a_request_to_it_is_refused_and_in_no_box(office: Narrowed) -> None:
    lead = at_work(office, "lead")
    set_apart(office, "developer")
    with pytest.raises(AgentctlError, match="quarantined"):
        lead.request("developer")
    assert lines(office, "message.sent") == []
    assert waiting(office, "developer") == 0


def test_one_that_was_written_before_it_is_taken_back(
    office: Narrowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quarantine empties the queue between the journal's line and the box."""
    office.opa.meanwhile = lambda: None
    lead = at_work(office, "lead")
    fill = office.hub.live.mail.fill

    def slow(*given: object) -> None:
        quarantine.quarantine(office.hub, "developer", ADMIN, why="odd")
        fill(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(office.hub.live.mail, "fill", slow)
    lead.request("developer")
    assert waiting(office, "developer") == 0
    assert [line.entry.facts["to"] for line in lines(office, "message.withdrawn")] == ["developer"]


def test_where_opa_refuses_one_and_the_other_is_set_apart_work_waits_for_the_other(
    at: Narrowed,
) -> None:
    at.apply(fleet(RESEARCHER, OTHER, THINKER))
    quarantine.quarantine(at.hub, "other", ADMIN, why="odd")
    asked = NewTask(prompt="p", labels=FROZEN, sensitivity="confidential")
    task, _ = submit(at.hub, asked, ADMIN)
    assert task.state is TaskState.HELD
    assert "OPA refuses" in task.held_reason
    assert "quarantined" in task.held_reason
    quarantine.release(at.hub, "other", ADMIN, why="fine")
    with pytest.raises(Refused):
        submit(at.hub, asked, ADMIN)


def test_one_that_could_not_take_it_anyway_makes_nothing_wait(at: Narrowed) -> None:
    at.apply(fleet(RESEARCHER, OTHER, THINKER))
    quarantine.quarantine(at.hub, "other", ADMIN, why="odd")
    asked = NewTask(prompt="p", labels=FROZEN, agent="researcher")
    with pytest.raises(Refused, match="OPA refuses"):
        submit(at.hub, asked, ADMIN)


def test_a_delegation_waits_for_it_too(office: Narrowed) -> None:
    lead = at_work(office, "lead")
    quarantine.quarantine(office.hub, "helper", ADMIN, why="odd")
    given = delegate(lead, labels={"freeze": "true"})
    assert given["state"] == "held"
