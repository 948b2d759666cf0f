"""Whatever is declared, what routing chooses may take the task: label, boundary, capability, policy."""

from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.fleet import Route, Routing
from agentctl.routing import Candidate, Chosen, Levels, Wanted, choose

NAMES = ("public", "internal", "confidential", "restricted")
level = st.sampled_from([*NAMES, "undeclared"])
capability = st.frozensets(st.sampled_from("abc"), max_size=2)
candidate = st.builds(
    Candidate,
    name=st.sampled_from(["one", "two", "three", "four"]),
    provider=st.sampled_from(["p", "q"]),
    boundary=st.sampled_from(["public", "private", "undeclared"]),
    clearance=level,
    capabilities=capability,
    load=st.integers(0, 5),
    barred=st.sampled_from(["", "", "policy"]),
)
route = st.builds(
    Route,
    name=st.sampled_from(["r1", "r2"]),
    prefer=st.lists(st.sampled_from(["p", "q"]), min_size=1, max_size=2).map(tuple),
    capabilities=capability.map(lambda names: tuple(sorted(names))),
    levels=st.lists(level, max_size=2).map(tuple),
)


@given(
    wanted=st.builds(Wanted, level=level, capabilities=capability),
    candidates=st.lists(candidate, max_size=5),
    routes=st.lists(route, max_size=3),
    limits=st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)),
)
def test_a_chosen_agent_may_always_take_the_task(
    wanted: Wanted, candidates: list[Candidate], routes: list[Route], limits: tuple[str, str]
) -> None:
    routing = Routing(
        levels=NAMES,
        default="confidential",
        boundaries=(("public", limits[0]), ("private", limits[1])),
    )
    found = choose(wanted, candidates, routes, Levels.of(routing))
    if not isinstance(found, Chosen):
        return
    rank = {name: at for at, name in enumerate(NAMES)}
    taken = [
        each
        for each in candidates
        if (each.name, each.provider, each.boundary)
        == (found.agent, found.provider, found.boundary)
    ]
    limit = dict(routing.boundaries)[found.boundary]
    assert any(
        rank[wanted.level] <= rank[each.clearance]
        and rank[wanted.level] <= rank[limit]
        and wanted.capabilities <= each.capabilities
        and not each.barred
        for each in taken
        if each.clearance in rank
    )
