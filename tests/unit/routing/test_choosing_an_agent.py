"""Which agent a task goes to, and the words when none may take it."""

from agentctl.model.fleet import Route, Routing
from agentctl.routing import Candidate, Chosen, Levels, NoRoute, Wanted, choose

ROUTING = Routing(
    levels=("public", "internal", "confidential", "restricted"),
    default="confidential",
    boundaries=(("public", "internal"), ("private", "restricted")),
)
LEVELS = Levels.of(ROUTING)
HOME = Candidate(
    name="researcher",
    provider="ollama",
    boundary="private",
    clearance="confidential",
    capabilities=frozenset({"research"}),
)
CLOUD = Candidate(
    name="thinker",
    provider="opus",
    boundary="public",
    clearance="internal",
    capabilities=frozenset({"deep-reasoning"}),
)
BULK = Route(name="bulk at home", prefer=("ollama",), labels=(("bulk", "true"),))
DEEP = Route(name="deep reasoning", prefer=("opus",), capabilities=("deep-reasoning",))


def pick(wanted: Wanted, *candidates: Candidate, routes: tuple[Route, ...] = ()) -> str:
    found = choose(wanted, candidates or (HOME, CLOUD), routes, LEVELS)
    return f"{found.agent}: {found.rule}" if isinstance(found, Chosen) else found.reason


def test_the_first_matching_route_decides() -> None:
    bulk = Wanted(level="internal", labels=(("bulk", "true"),))
    assert pick(bulk, routes=(DEEP, BULK)) == "researcher: bulk at home"


def test_without_a_route_the_lowest_sufficient_clearance_is_taken() -> None:
    assert pick(Wanted(level="public")) == "thinker: lowest sufficient clearance"


def test_work_above_every_clearance_goes_nowhere() -> None:
    assert pick(Wanted(level="restricted")) == (
        "no agent may take restricted work (researcher: cleared for confidential, the task is"
        " restricted; thinker: cleared for internal, the task is restricted)"
    )


def test_a_preference_never_widens_the_boundary() -> None:
    prefers_cloud = Route(name="all to the cloud", prefer=("opus",))
    found = pick(Wanted(level="confidential"), routes=(prefers_cloud,))
    assert found == "researcher: lowest sufficient clearance"


def test_a_clearance_above_the_boundary_counts_for_nothing() -> None:
    overcleared = Candidate(name="leak", provider="opus", boundary="public", clearance="restricted")
    assert pick(Wanted(level="confidential"), overcleared) == (
        "no agent may take confidential work (leak: confidential may not cross boundary public)"
    )


def test_a_missing_capability_is_named() -> None:
    wanted = Wanted(level="internal", capabilities=frozenset({"deep-reasoning", "vision"}))
    assert "thinker: lacks vision" in pick(wanted)


def test_equally_cleared_agents_share_by_load() -> None:
    busy = Candidate(name="a", provider="ollama", boundary="private", clearance="internal", load=3)
    idle = Candidate(name="b", provider="ollama", boundary="private", clearance="internal", load=1)
    assert pick(Wanted(level="internal"), busy, idle).startswith("b:")


def test_the_agent_that_the_submitter_names_is_taken_only_if_it_may() -> None:
    assert pick(Wanted(level="internal", agent="thinker")) == "thinker: named by the submitter"
    refused = pick(Wanted(level="confidential", agent="thinker"))
    assert "thinker: cleared for internal, the task is confidential" in refused


def test_what_policy_bars_is_passed_over() -> None:
    barred = Candidate(
        name="a", provider="ollama", boundary="private", clearance="internal", barred="policy: no"
    )
    found = choose(Wanted(level="internal"), [barred], (), LEVELS)
    assert isinstance(found, NoRoute)
    assert found.by_agent == (("a", "policy: no"),)


def test_an_unknown_level_is_above_everything() -> None:
    assert not LEVELS.at_most("secret", "restricted")
    assert not LEVELS.at_most("public", "no-such-limit")
    assert not LEVELS.may_cross("public", "no-such-boundary")
    assert LEVELS.join(["public", "gone"]) == "gone"
    assert not LEVELS.may_cross(LEVELS.join(["public", "gone"]), "private")
