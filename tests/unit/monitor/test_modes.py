"""What each mode permits, and how modes are entered and left."""

from agentctl.model.mode import Mode, ModeName, Order, Verb
from agentctl.monitor import permits
from agentctl.monitor.degrade import decide_mode


def decided(
    now: Mode,
    *,
    causes: dict[str, str],
    gone_s: float | None = None,
    ordered: Order | None = None,
    boot_s: float = 0,
) -> str:
    mode = decide_mode(
        now,
        ordered=ordered,
        causes=causes,
        causes_gone_s=gone_s,
        hosts_down=(),
        boot_s=boot_s,
        wall_s=1.0,
    )
    return f"{mode.name}: {mode.reason}"


UPGRADE = Order(mode=ModeName.PAUSED, reason="upgrade", who="operator:ann", at_s=7.0)
STOP = Order(mode=ModeName.PANIC, reason="leak", who="operator:ann", at_s=8.0)
DEGRADED = Mode(name=ModeName.DEGRADED, reason="disk full", since_s=1.0)


def test_degraded_dispatches_nothing_and_creates_nothing_but_settles_what_runs() -> None:
    no = {verb for verb in Verb if not permits(DEGRADED, "", verb)}
    assert no == {
        Verb.SUBMIT,
        Verb.DISPATCH,
        Verb.APPLY,
        Verb.CREATE_CONTAINER,
        Verb.EXPIRE_LEASE,
    }


def test_paused_only_stops_handing_out() -> None:
    paused = Mode(name=ModeName.PAUSED)
    assert {verb for verb in Verb if not permits(paused, "", verb)} == {Verb.DISPATCH}


def test_an_unreachable_engine_degrades_its_own_host_alone() -> None:
    mode = Mode(hosts_down=("gpu",))
    assert not permits(mode, "gpu", Verb.DISPATCH)
    assert not permits(mode, "gpu", Verb.CREATE_CONTAINER)
    assert permits(mode, "local", Verb.DISPATCH)
    assert permits(mode, "gpu", Verb.SETTLE)


def test_a_cause_degrades_at_once_and_names_itself() -> None:
    assert decided(Mode(), causes={"store": "disk full"}) == "degraded: disk full"


def test_degraded_is_left_half_a_minute_after_the_last_cause() -> None:
    assert decided(DEGRADED, causes={}, gone_s=100.0, boot_s=129.0) == "degraded: disk full"
    assert decided(DEGRADED, causes={}, gone_s=100.0, boot_s=130.0) == "normal: "


def test_an_operators_pause_comes_back_after_degraded() -> None:
    found = decided(DEGRADED, causes={}, gone_s=0.0, boot_s=60.0, ordered=UPGRADE)
    assert found == "paused: upgrade"
    assert decided(Mode(), causes={"x": "y"}, ordered=UPGRADE) == "degraded: y"


def test_panic_is_over_everything() -> None:
    assert decided(DEGRADED, causes={"store": "disk full"}, ordered=STOP) == "panic: leak"


def test_panic_permits_reading_settling_and_ending_only() -> None:
    panic = Mode(name=ModeName.PANIC)
    assert {verb for verb in Verb if permits(panic, "", verb)} == {
        Verb.SETTLE,
        Verb.CANCEL,
        Verb.REMOVE_CONTAINER,
        Verb.EXPIRE_LEASE,
        Verb.READ,
    }


def test_an_order_says_who_gave_it_and_when() -> None:
    mode = decide_mode(
        Mode(),
        ordered=UPGRADE,
        causes={},
        causes_gone_s=None,
        hosts_down=(),
        boot_s=0.0,
        wall_s=99.0,
    )
    assert (mode.who, mode.since_s) == ("operator:ann", 7.0)


def test_causes_are_listed_one_by_one_whatever_the_mode() -> None:
    causes = {"store": "disk full", "reconciler": "silent"}
    for order in (None, UPGRADE, STOP):
        mode = decide_mode(
            Mode(),
            ordered=order,
            causes=causes,
            causes_gone_s=None,
            hosts_down=(),
            boot_s=0.0,
            wall_s=1.0,
        )
        assert mode.causes == (("reconciler", "silent"), ("store", "disk full"))
