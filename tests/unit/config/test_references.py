"""What must hold together in a fleet, asked of values alone, as the hub asks it at apply."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.config.finding import Severity
from agentctl.config.references import check
from agentctl.model.budget import Budget
from agentctl.model.fleet import (
    AccessRule,
    AgentSpec,
    DesiredState,
    Effect,
    Executor,
    ExecutorKind,
    Host,
    Isolation,
    Lifecycle,
    Monitoring,
    Provider,
    ProviderKind,
    Route,
    Routing,
)

HOME = Provider(
    name="home",
    kind=ProviderKind.OLLAMA,
    base_url="http://127.0.0.1:11434",
    model="qwen3",
    boundary="private",
)
CLOUD = Provider(
    name="cloud",
    kind=ProviderKind.ANTHROPIC,
    base_url="https://api.anthropic.com",
    model="opus",
    boundary="public",
)
LOCAL = Host(name="local", engine_url="unix:///var/run/docker.sock")
WORKER = AgentSpec(
    name="worker", host="local", image="i:1", provider="home", clearance="restricted"
)
FLEET = DesiredState(
    fleet="acme",
    hosts=(LOCAL,),
    agents=(WORKER,),
    providers=(CLOUD, HOME),
    routing=Routing(
        levels=("public", "internal", "restricted"),
        default="internal",
        boundaries=(("private", "restricted"), ("public", "internal")),
    ),
)


def wrong(desired: DesiredState) -> str:
    return "\n".join(f"{each.rule} {'/'.join(each.subject)}" for each in check(desired))


def with_agent(**changes: Any) -> DesiredState:
    return replace(FLEET, agents=(replace(WORKER, **changes),))


def with_provider(**changes: Any) -> DesiredState:
    return replace(FLEET, providers=(CLOUD, replace(HOME, **changes)))


def with_routing(**changes: Any) -> DesiredState:
    return replace(FLEET, routing=replace(FLEET.routing, **changes))


def test_a_sound_fleet_has_no_findings() -> None:
    assert check(FLEET) == ()


def test_an_ephemeral_agent_may_keep_all_its_replicas_warm() -> None:
    assert check(with_agent(lifecycle=Lifecycle.EPHEMERAL, replicas=2, warm=2)) == ()


@pytest.mark.parametrize(
    ("desired", "expected"),
    [
        (with_agent(provider="hoem"), "unknown-provider agent/worker/local/provider"),
        (with_agent(clearance="secret"), "unknown-level agent/worker/local/clearance"),
        (with_agent(host="lokal"), "unknown-host agent/worker/lokal/host"),
        (with_agent(provider="cloud"), "clearance-above-boundary agent/worker/local/clearance"),
        (with_agent(warm=1), "bad-combination agent/worker/local/warm"),
        (
            with_agent(lifecycle=Lifecycle.EPHEMERAL, replicas=1, warm=2),
            "bad-value agent/worker/local/warm",
        ),
        (
            with_agent(lifecycle=Lifecycle.EPHEMERAL, warm=-1),
            "bad-value agent/worker/local/warm",
        ),
        (with_agent(budget=Budget(usd=1)), "unmetered-limit agent/worker/local/budget/usd"),
        (
            with_agent(
                budget=Budget(turns=3), executor=Executor(kind=ExecutorKind.COMMAND, argv=("x",))
            ),
            "unmetered-limit agent/worker/local/budget/turns",
        ),
        (with_agent(budget=Budget(tokens=0)), "bad-value agent/worker/local/budget"),
        (with_provider(boundary="secret"), "unknown-boundary provider/home/boundary"),
        (
            with_provider(base_url="https://ollama.example.com"),
            "private-boundary-public-address provider/home/base_url",
        ),
        (with_provider(model="qwen3:cloud"), "private-boundary-cloud-model provider/home/model"),
        (with_provider(model="qwen3-cloud"), "private-boundary-cloud-model provider/home/model"),
        (
            replace(FLEET, providers=(replace(CLOUD, base_url="http://api.anthropic.com"), HOME)),
            "plain-http provider/cloud/base_url",
        ),
        (with_routing(default="secret"), "unknown-level routing/default"),
        (
            with_routing(boundaries=(("private", "restrictd"), ("public", "internal"))),
            "unknown-level routing/boundaries/private",
        ),
        (
            with_routing(routes=(Route(name="r", prefer=("claud",)),)),
            "unknown-provider route/r/prefer",
        ),
        (
            with_routing(routes=(Route(name="r", prefer=("cloud",)),)),
            "unservable-route route/r/prefer",
        ),
        (
            with_routing(routes=(Route(name="r", prefer=("home",), capabilities=("x",)),)),
            "unservable-route route/r/prefer",
        ),
        (
            with_routing(routes=(Route(name="r", prefer=("home",), levels=("secret",)),)),
            "unknown-level route/r/levels",
        ),
        (
            with_routing(
                routes=(
                    Route(name="all", prefer=("home",)),
                    Route(name="bulk", prefer=("home",), labels=(("bulk", "true"),)),
                )
            ),
            "shadowed-route route/bulk",
        ),
        (replace(FLEET, agents=()), "no-agents fleet"),
        (replace(FLEET, fleet="acme\n"), "bad-name fleet"),
        (with_agent(name="../etc"), "bad-name agent/../etc/local"),
        (with_agent(replicas=-1), "bad-value agent/worker/local/replicas"),
        (with_agent(ttl_s=float("nan")), "bad-value agent/worker/local/ttl"),
        (
            with_agent(executor=Executor(kind=ExecutorKind.COMMAND)),
            "bad-combination agent/worker/local/executor",
        ),
        (
            replace(FLEET, hosts=(Host(name="local", engine_url="tcp://10.0.0.1:2375"),)),
            "bad-engine host/local",
        ),
        (replace(FLEET, agents=(WORKER, WORKER)), "duplicate-agent agent/worker/local"),
        (replace(FLEET, hosts=(LOCAL, LOCAL)), "duplicate-host host/local"),
        (replace(FLEET, providers=(HOME, HOME)), "duplicate-provider provider/home"),
        (
            replace(FLEET, monitoring=Monitoring(lease_s=10, heartbeat_s=6)),
            "heartbeat-too-slow monitoring/heartbeat",
        ),
        (
            replace(FLEET, monitoring=Monitoring(converge_s=20)),
            "reconciler-silent-too-short monitoring/reconciler_silent",
        ),
        (
            replace(FLEET, monitoring=Monitoring(orphan_grace_s=4)),
            "orphan-grace-too-short monitoring/orphan_grace",
        ),
        (
            replace(FLEET, monitoring=Monitoring(stalled_s=20)),
            "stalled-too-short monitoring/stalled",
        ),
        (
            replace(FLEET, monitoring=Monitoring(zero_throughput_s=20)),
            "zero-throughput-too-short monitoring/zero_throughput",
        ),
    ],
)
def test_what_does_not_hold_is_named(desired: DesiredState, expected: str) -> None:
    assert wrong(desired) == expected


@pytest.mark.parametrize(
    ("fact", "value"),
    [("clearance", "internal"), ("capabilities", ("x",)), ("provider", "cloud")],
)
def test_an_agent_is_the_same_to_routing_on_all_its_hosts(fact: str, value: Any) -> None:
    internal = replace(WORKER, clearance="public" if fact == "clearance" else "internal")
    other = replace(internal, host="other", **{fact: value})
    hosts = (LOCAL, Host(name="other", engine_url="unix:///run/other.sock"))
    desired = replace(FLEET, hosts=hosts, agents=(internal, other))
    assert wrong(desired) == f"facts-differ agent/worker/other/{fact}"


def test_a_host_without_isolation_takes_only_what_the_public_may_see() -> None:
    bare = Host(name="local", engine_url="process:")
    desired = replace(FLEET, hosts=(bare,))
    assert wrong(desired) == "clearance-without-isolation agent/worker/local/clearance"
    lower = replace(desired, agents=(replace(WORKER, clearance="internal"),))
    assert check(lower) == ()
    sworn = replace(desired, hosts=(replace(bare, isolation=Isolation.NONE),))
    assert check(sworn) == ()


def test_without_a_public_boundary_nothing_runs_without_isolation() -> None:
    desired = replace(
        FLEET,
        hosts=(Host(name="local", engine_url="process:"),),
        providers=(HOME,),
        agents=(replace(WORKER, clearance="public"),),
        routing=replace(FLEET.routing, boundaries=(("private", "restricted"),)),
    )
    assert wrong(desired) == "clearance-without-isolation agent/worker/local/clearance"


def test_a_misspelt_provider_is_one_finding_whatever_routes_prefer() -> None:
    taken = Route(name="taken", prefer=("home",), levels=("public",))
    lacking = Route(name="lacking", prefer=("home",), capabilities=("x",))
    routing = replace(FLEET.routing, routes=(taken, lacking))
    desired = replace(with_agent(provider="hom"), routing=routing)
    found = [(each.rule, each.subject[:2]) for each in check(desired)]
    assert found[1:] == [("unservable-route", ("route", "lacking"))]
    assert found[0][0] == "unknown-provider"


def test_a_rule_about_nobody_is_a_warning() -> None:
    rule = AccessRule(
        name="r",
        effect=Effect.ALLOW,
        verb="task.submit",
        principal="operator:*",
        target="agent:wroker",
    )
    (finding,) = check(replace(FLEET, access=(rule,)))
    assert finding.severity is Severity.WARNING
    assert finding.suggestion == "did you mean 'worker'?"


def test_a_rule_about_a_capability_that_nobody_has_is_a_warning() -> None:
    rule = AccessRule(
        name="r",
        effect=Effect.DENY,
        verb="task.submit",
        principal="operator:*",
        capabilities=("sumarise",),
    )
    skilled = replace(WORKER, capabilities=("summarise",))
    (finding,) = check(replace(FLEET, agents=(skilled,), access=(rule,)))
    assert finding.severity is Severity.WARNING
    assert finding.subject == ("access", "r", "capabilities")
    assert finding.suggestion == "did you mean 'summarise'?"


def test_without_any_agent_rules_are_not_wrong_for_it() -> None:
    def rule(name: str, **more: Any) -> AccessRule:
        given = {"effect": Effect.ALLOW, "verb": "message.send", "principal": "agent:*", **more}
        return AccessRule(name=name, **given)

    rules = (
        rule("to all", target="agent:*", capabilities=("review",)),
        rule("told", target="topic:findings", types=("event",)),
        rule("keys", verb="secret.read", target="secret:pat"),
        rule("lost", verb="model.call", target="provider:nowhere"),
    )
    empty = replace(FLEET, agents=(), access=rules)
    assert wrong(empty) == "no-agents fleet\nunmatched-rule access/lost/to"
    assert "access/to all/capabilities" in wrong(replace(empty, agents=(WORKER,)))
