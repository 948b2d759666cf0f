"""An engine's root writes its containers' labels: they can't speak of what runs on another host."""

from dataclasses import replace

from agentctl.model.instance import ObservedHost, ObservedState
from agentctl.reconcile.own_word import own_word
from tests.unit.reconcile.declared import RESEARCHER, container

HERE = replace(container(RESEARCHER), id="c-1", instance="inst-1", host="local")
LIE = replace(HERE, id="c-2", host="elsewhere")
HOSTS = {"inst-1": "local"}


def seen(*hosts: ObservedHost) -> ObservedState:
    return ObservedState(hosts=hosts)


def test_a_container_that_claims_another_hosts_instance_is_left_alone() -> None:
    observed = seen(
        ObservedHost(name="local", containers=(HERE,)),
        ObservedHost(name="elsewhere", containers=(LIE,)),
    )
    (one, other) = own_word(observed, HOSTS).hosts
    assert one.containers == (HERE,)
    assert other.containers == ()


def test_what_is_true_or_unknown_stays_as_it_was_seen() -> None:
    unknown = replace(LIE, instance="inst-2")
    observed = seen(
        ObservedHost(name="local", containers=(HERE,)),
        ObservedHost(name="elsewhere", containers=(unknown,), engine="Docker"),
        ObservedHost(name="gone", error="away"),
    )
    assert own_word(observed, HOSTS) is observed
