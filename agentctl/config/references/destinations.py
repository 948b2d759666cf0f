"""Destinations: known boundaries, names that can be meant, and no host behind two boundaries."""

from collections.abc import Iterator

from agentctl.config.destination_form import wrong_destination
from agentctl.config.finding import Finding
from agentctl.config.references.known import Known, duplicates, error, unknown
from agentctl.model.fleet import DesiredState, Destination


def destinations(desired: DesiredState, known: Known) -> Iterator[Finding]:
    """Yield what is wrong in the destinations, each by itself and beside the others."""
    subjects = (("destination", each.name) for each in desired.destinations)
    yield from duplicates("destination", subjects)
    first: dict[tuple[str, int], Destination] = {}
    for destination in desired.destinations:
        at = ("destination", destination.name)
        if destination.boundary not in known.boundaries:
            yield unknown("boundary", destination.boundary, known.boundaries, (*at, "boundary"))
        for field, words, expected in wrong_destination(destination):
            yield error(
                "bad-destination",
                f"destination {destination.name!r}: {words}",
                (*at, field),
                expected=expected,
            )
        for host, port in destination.hosts:
            other = first.setdefault((host, port), destination)
            if other.boundary != destination.boundary:
                yield error(
                    "two-boundaries",
                    f"{host}:{port} is across boundary {destination.boundary} here and"
                    f" {other.boundary} in {other.name!r}: which of them is crossed?",
                    (*at, "hosts"),
                    suggestion=f"leave it out of one, or give both boundary {other.boundary}",
                )
