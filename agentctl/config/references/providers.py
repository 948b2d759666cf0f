"""Providers and levels: known boundaries, and private only what is private."""

from collections.abc import Iterator

from agentctl.config.address import is_private
from agentctl.config.finding import Finding
from agentctl.config.references.known import Known, duplicates, error, unknown
from agentctl.model.fleet import DesiredState

PRIVATE = "private"  # the boundary that promises that nothing leaves the house
CLOUD_SUFFIXES = ("-cloud", ":cloud")  # models that Ollama runs elsewhere


def levels(desired: DesiredState, known: Known) -> Iterator[Finding]:
    names = desired.routing.levels
    if len(set(names)) != len(names):
        yield error("duplicate-level", "a level stands twice in `levels`", ("routing", "levels"))
    if desired.routing.default not in known.height:
        yield unknown("level", desired.routing.default, names, ("routing", "default"))
    for boundary, level in desired.routing.boundaries:
        if level not in known.height:
            yield unknown("level", level, names, ("routing", "boundaries", boundary))


def providers(desired: DesiredState, known: Known) -> Iterator[Finding]:
    yield from duplicates("provider", (("provider", each.name) for each in desired.providers))
    for provider in desired.providers:
        at = ("provider", provider.name)
        if provider.boundary not in known.boundaries:
            yield unknown("boundary", provider.boundary, known.boundaries, (*at, "boundary"))
        private = is_private(provider.base_url)
        if provider.boundary == PRIVATE and not private:
            yield error(
                "private-boundary-public-address",
                f"provider {provider.name!r} has boundary private, but its address is not private",
                (*at, "base_url"),
                expected="a private address, or a name under .internal, .local, .lan or .home.arpa",
                found=provider.base_url,
                suggestion="give it boundary public, or the address it has inside your network",
            )
        if provider.boundary == PRIVATE and provider.model.endswith(CLOUD_SUFFIXES):
            yield error(
                "private-boundary-cloud-model",
                f"provider {provider.name!r} has boundary private, but its model runs in a cloud",
                (*at, "model"),
                expected="a model that runs at home",
                found=provider.model,
                suggestion="give it boundary public, or a model without cloud in its name",
            )
        if provider.boundary != PRIVATE and not private and provider.base_url.startswith("http:"):
            yield error(
                "plain-http",
                f"provider {provider.name!r} would get key and prompts in clear over the network",
                (*at, "base_url"),
                expected="https://",
                found=provider.base_url,
                suggestion=f"write {provider.base_url.replace('http:', 'https:', 1)}",
            )
