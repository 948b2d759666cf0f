"""Whatever one agent's calls come to, they hold no other's work; whatever was held goes on again."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agentctl.gateway.circuits import Caller, Circuits
from agentctl.model.away import Cause
from agentctl.monitor import circuit_calls
from agentctl.monitor.circuit import REST_S_MAX, TRIAL_S, Trouble

DOWN = Trouble(cause=Cause.UNREACHABLE, why="down")
STEP_S = 60.0  # between two looks of the test: longer than between two probes
AGENTS = ("hostile", "honest")

agents = st.sampled_from(AGENTS)
attempts = st.integers(1, 3)
statuses = st.sampled_from([200, 400, 401, 429, 500, 503, 529])
waits = st.sampled_from([None, 0.0, 60.0, 3600.0, 1e9])
calls = st.tuples(st.just("call"), agents, attempts, statuses, waits)
pauses = st.tuples(st.just("pause"), st.sampled_from([0.0, 1.0, 6.0, 31.0, 1000.0]))
probes = st.tuples(st.just("probe"), st.booleans())


class Gateway:
    """The circuits of one provider, under a clock of its own."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.circuits = Circuits(now_s=lambda: self.now_s, wall_s=lambda: self.now_s + 1e9)

    def act(self, event: tuple[object, ...]) -> None:
        match event:
            case ("pause", float(seconds)):
                self.now_s += seconds
                self.circuits.tick()
            case ("probe", bool(answered)):
                self.circuits.probed("opus", None if answered else DOWN)
            case ("call", str(agent), int(attempt), int(status), wait_s):
                assert wait_s is None or isinstance(wait_s, float)
                self._call(self.caller(agent, attempt), status, wait_s)

    def _call(self, caller: Caller, status: int, wait_s: float | None) -> None:
        if self.circuits.refusal(caller) is not None:
            return  # it isn't made
        if status == 200:
            self.circuits.answered(caller, began_s=self.now_s)
            return
        trouble = circuit_calls.of_status(status, wait_s, name="opus", now_s=self.now_s)
        if trouble is not None:
            self.circuits.failed(caller, trouble)

    def caller(self, agent: str, attempt: int = 1) -> Caller:
        return Caller(provider="opus", agent=agent, task=f"task-of-{agent}", attempt=attempt)


@given(st.lists(st.one_of(calls, pauses), max_size=60))
@settings(max_examples=200, deadline=None)
def test_an_agents_calls_hold_no_others_work(events: list[tuple[object, ...]]) -> None:
    gateway = Gateway()
    for each in events:
        if each[:2] != ("call", "honest"):
            gateway.act(each)
        assert {row.agent for row in gateway.circuits.rows()} <= {"hostile"}
        assert gateway.circuits.refusal(gateway.caller("honest"), waited=True) is None


@given(st.lists(st.one_of(calls, pauses, probes), max_size=60))
@settings(max_examples=200, deadline=None)
def test_all_work_goes_on_once_the_provider_answers(events: list[tuple[object, ...]]) -> None:
    gateway = Gateway()
    for each in events:
        gateway.act(each)
    bound_s = gateway.now_s + max(REST_S_MAX, circuit_calls.QUOTA_S_MAX) + TRIAL_S + 3 * STEP_S
    while gateway.circuits.rows() and gateway.now_s < bound_s:
        gateway.act(("probe", True))
        gateway.act(("pause", STEP_S))
    assert gateway.circuits.rows() == ()
    for agent in AGENTS:
        new = Caller(provider="opus", agent=agent, task="task-new", attempt=1)
        assert gateway.circuits.refusal(new, waited=True) is None


@given(st.lists(st.one_of(calls, pauses, probes), max_size=60))
@settings(max_examples=200, deadline=None)
def test_a_gateway_that_starts_anew_holds_what_was_held(events: list[tuple[object, ...]]) -> None:
    gateway, fresh = Gateway(), Gateway()
    for each in events:
        gateway.act(each)
    fresh.now_s = gateway.now_s
    rows = gateway.circuits.rows()
    fresh.circuits.adopt(rows)
    assert [row.key for row in fresh.circuits.rows()] == [row.key for row in rows]
    for before, after in zip(rows, fresh.circuits.rows(), strict=True):
        assert (after.cause, after.why, after.until_s) == (before.cause, before.why, before.until_s)
