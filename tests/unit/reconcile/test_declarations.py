"""Two declarations compared: what changed in the files' own words, and what reaches wider."""

from dataclasses import replace

import pytest

from agentctl.model.budget import Budget
from agentctl.model.fleet import (
    AccessRule,
    DesiredState,
    Destination,
    Effect,
    Executor,
    ExecutorKind,
    Isolation,
    Opa,
    Price,
    Route,
    Secret,
    Source,
    SourceKind,
)
from agentctl.reconcile import declarations
from agentctl.reconcile.review import Review, review_text
from tests.unit.reconcile.declared import OPUS, QWEN, RESEARCHER, ROUTING, fleet

ALLOW = AccessRule(
    name="r", effect=Effect.ALLOW, verb="task.submit", principal="operator:*", target="agent:a*"
)
DENY = replace(ALLOW, effect=Effect.DENY)
BEFORE = replace(fleet(RESEARCHER), access=(ALLOW,))


def told(before: DesiredState | None, after: DesiredState) -> list[str]:
    """Each change in a line, with its causes behind it."""
    return [
        " ".join([f"{each.verb} {each.what}", *(f"({cause})" for cause in each.causes)])
        for each in declarations(before, after)
    ]


def widens(before: DesiredState, after: DesiredState) -> list[str]:
    return [why for each in declarations(before, after) for why in each.widens]


def test_nothing_differs_between_equal_fleets() -> None:
    assert told(BEFORE, BEFORE) == []


def test_an_agents_changed_fields_stand_under_their_names_in_the_files() -> None:
    after = fleet(replace(RESEARCHER, image="i:2", replicas=3, ttl_s=3600.0))
    assert told(fleet(RESEARCHER), after) == [
        "change agent researcher (image: agentctl/agent:1 → i:2) (ttl: 1d → 1h) (replicas: 1 → 3)"
    ]


def test_what_comes_and_goes_is_named() -> None:
    reviewer = replace(RESEARCHER, name="reviewer")
    assert told(fleet(RESEARCHER), fleet(reviewer)) == [
        "add agent reviewer (cleared for confidential, provider ollama-qwen3, on local)",
        "remove agent researcher",
    ]


def test_an_agent_on_several_hosts_is_told_apart_by_host() -> None:
    there = replace(RESEARCHER, host="lab")
    before = fleet(RESEARCHER, there, hosts=("local", "lab"))
    after = fleet(RESEARCHER, replace(there, replicas=2), hosts=("local", "lab"))
    assert told(before, after) == ["change agent researcher on lab (replicas: 1 → 2)"]


def test_the_order_of_routes_is_told_since_the_first_match_counts() -> None:
    first, second = Route(name="a", prefer=("x",)), Route(name="b", prefer=("y",))
    before = replace(BEFORE, routing=replace(ROUTING, routes=(first, second)))
    after = replace(BEFORE, routing=replace(ROUTING, routes=(second, first)))
    assert told(before, after) == ["change routes order (order: a, b → b, a)"]


def test_no_commands_arguments_are_shown() -> None:
    key = Source(kind=SourceKind.COMMAND, argv=("pass", "hunter2"))
    after = replace(BEFORE, providers=(replace(QWEN, api_key=key), OPUS))
    assert "hunter2" not in str(declarations(BEFORE, after))
    other = replace(RESEARCHER, executor=Executor(kind=ExecutorKind.COMMAND, argv=("a",)))
    assert "executor.argv: [] → [a]" in told(BEFORE, replace(BEFORE, agents=(other,)))[0]


def test_a_name_moves_no_cursor() -> None:
    hidden = replace(ALLOW, name="r\x1b[2K\rnothing", target="agent:\x1b[8m*")
    said = str(told(BEFORE, replace(BEFORE, access=(hidden,))))
    assert "add rule r [2K nothing" in said
    assert all("\x1b" not in why for why in widens(BEFORE, replace(BEFORE, access=(hidden,))))


PRICE = Price(input=1.0, output=2.0, cache_read=1.0, cache_write=1.0)
WIDER = {
    "clearance raised": (
        replace(BEFORE, agents=(replace(RESEARCHER, clearance="internal"),)),
        BEFORE,
        "clearance raised from internal to confidential",
    ),
    "a boundary's limit raised": (
        BEFORE,
        replace(
            BEFORE,
            routing=replace(
                ROUTING, boundaries=(("public", "confidential"), ("private", "confidential"))
            ),
        ),
        "boundary public lets confidential cross, it was internal",
    ),
    "unlabelled work counts as less": (
        BEFORE,
        replace(BEFORE, routing=replace(ROUTING, default="public")),
        "unlabelled work counts as public, it was confidential",
    ),
    "a provider's boundary": (
        BEFORE,
        replace(BEFORE, providers=(replace(QWEN, boundary="public"), OPUS)),
        "boundary changed from private to public",
    ),
    "a provider's address": (
        BEFORE,
        replace(BEFORE, providers=(replace(QWEN, base_url="http://127.0.0.2"), OPUS)),
        "what its agents send goes to another address",
    ),
    "a new allow": (
        replace(BEFORE, access=()),
        BEFORE,
        "allows task.submit from operator:* to agent:a*",
    ),
    "a wider target": (
        BEFORE,
        replace(BEFORE, access=(replace(ALLOW, target="agent:*"),)),
        "allows task.submit from operator:* to agent:*",
    ),
    "a removed deny": (
        replace(BEFORE, access=(DENY,)),
        replace(BEFORE, access=()),
        "no longer denies all of task.submit from operator:* to agent:a*",
    ),
    "a deny that became narrower": (
        replace(BEFORE, access=(DENY,)),
        replace(BEFORE, access=(replace(DENY, levels=("public",)),)),
        "no longer denies all of task.submit from operator:* to agent:a*",
    ),
    "a secret": (
        BEFORE,
        replace(
            BEFORE,
            agents=(
                replace(
                    RESEARCHER,
                    secrets=(Secret(name="pat", source=Source(kind=SourceKind.ENV, name="P")),),
                ),
            ),
        ),
        "secret pat is given to it",
    ),
    "a raised budget": (
        replace(BEFORE, agents=(replace(RESEARCHER, budget=Budget(tokens=2_000_000)),)),
        replace(BEFORE, agents=(replace(RESEARCHER, budget=Budget(tokens=3_000_000)),)),
        "budget raised from 2000000 to 3000000 tokens",
    ),
    "a budget that is gone": (
        replace(BEFORE, agents=(replace(RESEARCHER, budget=Budget(usd=0.5)),)),
        BEFORE,
        "budget: its tasks are no longer bound to 0.5 usd",
    ),
    "a lower price": (
        replace(BEFORE, providers=(replace(QWEN, price=PRICE), OPUS)),
        replace(BEFORE, providers=(replace(QWEN, price=replace(PRICE, output=1.0)), OPUS)),
        "its price is lower or gone: budgets in dollars go further",
    ),
    "isolation none": (
        BEFORE,
        replace(BEFORE, hosts=(replace(BEFORE.hosts[0], isolation=Isolation.NONE),)),
        "isolation: none, so agents there are kept apart by nobody",
    ),
}


@pytest.mark.parametrize(("before", "after", "why"), WIDER.values(), ids=WIDER.keys())
def test_what_permits_more_is_marked(before: DesiredState, after: DesiredState, why: str) -> None:
    assert widens(before, after) == [why]


NARROWER = {
    "a budget where there was none": replace(
        BEFORE, agents=(replace(RESEARCHER, budget=Budget(tokens=5)),)
    ),
    "clearance lowered": replace(BEFORE, agents=(replace(RESEARCHER, clearance="public"),)),
    "an allow of fewer targets": replace(BEFORE, access=(replace(ALLOW, target="agent:ab"),)),
    "an allow of fewer levels": replace(BEFORE, access=(replace(ALLOW, levels=("public",)),)),
    "an allow removed": replace(BEFORE, access=()),
    "a deny": replace(BEFORE, access=(ALLOW, replace(DENY, name="d"))),
    "a preference": replace(BEFORE, routing=replace(ROUTING, routes=(Route(name="a", prefer=()),))),
    "more of the same": replace(BEFORE, agents=(replace(RESEARCHER, replicas=9),)),
}


@pytest.mark.parametrize("after", NARROWER.values(), ids=NARROWER.keys())
def test_what_permits_no_more_is_not_marked(after: DesiredState) -> None:
    assert widens(BEFORE, after) == []
    assert declarations(BEFORE, after) != ()


GITHUB = Destination(name="github", hosts=(("github.com", 443),), boundary="public")


def test_what_an_agent_may_newly_reach_say_and_hear_widens() -> None:
    after = replace(RESEARCHER, egress=("github",), publishes=("a",), subscribes=("b",))
    assert widens(fleet(RESEARCHER), fleet(after)) == [
        "may reach destination github",
        "may publish topic a",
        "hears topic b",
    ]
    assert widens(fleet(after), fleet(RESEARCHER)) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (
            replace(GITHUB, hosts=(*GITHUB.hosts, ("api.github.com", 443))),
            ["api.github.com:443 may be reached"],
        ),
        (replace(GITHUB, networks=("10.0.0.0/8",)), ["addresses in 10.0.0.0/8 may be reached"]),
        (replace(GITHUB, boundary="private"), ["boundary changed from public to private"]),
        (replace(GITHUB, hosts=()), []),
    ],
)
def test_a_destination_that_leads_further_widens(after: Destination, expected: list[str]) -> None:
    before = replace(BEFORE, destinations=(GITHUB,))
    assert widens(before, replace(BEFORE, destinations=(after,))) == expected


def test_opa_switched_off_or_moved_widens_and_switched_on_does_not() -> None:
    asked = replace(BEFORE, opa=Opa(enabled=True))
    assert widens(BEFORE, asked) == []
    assert widens(asked, BEFORE) == ["OPA no longer narrows what the rules allow"]
    elsewhere = replace(BEFORE, opa=Opa(enabled=True, path="other"))
    assert widens(asked, elsewhere) == ["OPA is asked elsewhere: what it refused may be allowed"]
    assert told(BEFORE, asked) == ["change opa (enabled: false → true)"]


def test_what_there_is_one_of_is_named_once() -> None:
    found = declarations(BEFORE, replace(BEFORE, opa=Opa(enabled=True)))
    said = review_text(Review(plan=None, declarations=found))
    assert "  ~ opa\n      enabled: false → true\n" in said
