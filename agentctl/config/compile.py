"""Checked values to the frozen nouns of `model.fleet`: no rule lives here, only the turn of form."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from agentctl.config.destination_form import host_and_port
from agentctl.model.budget import Budget
from agentctl.model.fleet import (
    AccessRule,
    AgentSpec,
    DesiredState,
    Destination,
    Effect,
    Executor,
    ExecutorKind,
    Host,
    Isolation,
    Lifecycle,
    MessageKind,
    Monitoring,
    OnChange,
    Opa,
    Price,
    Provider,
    ProviderKind,
    Resources,
    Retention,
    Route,
    Routing,
    Secret,
    Sink,
    SinkKind,
    Source,
    SourceKind,
    Window,
    Workspace,
)
from agentctl.model.week import DAYS


def agent(values: Mapping[str, Any]) -> AgentSpec:
    """Return an agent's spec without name and host: the prototype of all that are declared alike."""
    resources, executor = values["resources"], values["executor"]
    return AgentSpec(
        name="",
        host="",
        image=values["image"],
        provider=values["provider"],
        clearance=values["clearance"],
        capabilities=_set(values["capabilities"]),
        replicas=values["replicas"],
        lifecycle=Lifecycle(values["lifecycle"]),
        warm=values["warm"],
        on_change=OnChange(values["on_change"]),
        resources=Resources(
            cpus=float(resources["cpus"]), memory_bytes=resources["memory"], pids=resources["pids"]
        ),
        workspace=Workspace(size_bytes=values["workspace"]["size"]),
        secrets=tuple(
            Secret(name=each["name"], source=source(each["from"]))
            for each in sorted(values["secrets"], key=lambda each: str(each["name"]))
        ),
        ttl_s=values["ttl"],
        grace_s=values["grace"],
        executor=Executor(
            kind=ExecutorKind(executor["kind"]),
            args=tuple(executor["args"]),
            argv=tuple(executor["argv"]),
        ),
        tags=_set(values["tags"]),
        egress=_set(values["egress"]),
        subscribes=_set(values["subscribes"]),
        publishes=_set(values["publishes"]),
        labels=_pairs(values["labels"]),
        budget=budget(values["budget"]),
    )


def budget(values: Mapping[str, Any]) -> Budget:
    """Return what each task of an agent may spend."""
    usd = values["usd"]
    return Budget(
        usd=None if usd is None else float(usd), tokens=values["tokens"], turns=values["turns"]
    )


def placed(prototype: AgentSpec, *, name: str, host: str) -> AgentSpec:
    """Return a prototype as the agent of that name on that host."""
    return replace(prototype, name=name, host=host)


def source(values: Mapping[str, Any]) -> Source:
    """Return where a secret is."""
    if "command" in values:
        return Source(kind=SourceKind.COMMAND, argv=tuple(values["command"]))
    kind = SourceKind.FILE if "file" in values else SourceKind.ENV
    return Source(kind=kind, name=values[kind.value])


def provider(name: str, values: Mapping[str, Any]) -> Provider:
    """Return a model provider."""
    return Provider(
        name=name,
        kind=ProviderKind(values["kind"]),
        base_url=values["base_url"].rstrip("/"),
        model=values["model"],
        boundary=values["boundary"],
        api_key=source(values["api_key"]) if values["api_key"] else None,
        price=price(values["price"]) if values["price"] else None,
    )


def price(values: Mapping[str, Any]) -> Price:
    """Return what tokens cost; cached ones as much as others where nothing is said of them."""
    read, write = values.get("cache_read"), values.get("cache_write")
    plain = float(values["input"])
    return Price(
        input=plain,
        output=float(values["output"]),
        cache_read=plain if read is None else float(read),
        cache_write=plain if write is None else float(write),
    )


def destination(name: str, values: Mapping[str, Any]) -> Destination:
    """Return what egress may name."""
    return Destination(
        name=name,
        hosts=tuple(sorted({host_and_port(each) for each in values["hosts"]})),
        boundary=values["boundary"],
        networks=_set(values["networks"]),
    )


def opa(values: Mapping[str, Any]) -> Opa:
    """Return the server that may narrow; what isn't given has its default."""
    given = {key: values[key] for key in ("enabled", "path") if key in values}
    if "url" in values:
        given["url"] = values["url"].rstrip("/")
    if "timeout" in values:
        given["timeout_s"] = values["timeout"]
    if values.get("token"):
        given["token_file"] = values["token"]["file"]
    return Opa(**given)


def host(name: str, *, engine_url: str, isolation: str, groups: Iterable[str], prune: bool) -> Host:
    """Return a host."""
    return Host(
        name=name,
        engine_url=engine_url,
        isolation=Isolation(isolation),
        groups=_set(groups),
        prune=prune,
    )


def routing(values: Mapping[str, Any], routes: Iterable[Mapping[str, Any]]) -> Routing:
    """Return levels, boundaries and routes; the routes keep their order, since the first match counts."""
    return Routing(
        levels=tuple(values["levels"]),
        default=values["default"],
        boundaries=_pairs(values["boundaries"]),
        routes=tuple(_route(each) for each in routes),
    )


def _route(values: Mapping[str, Any]) -> Route:
    when = values["when"]
    return Route(
        name=values["name"],
        prefer=tuple(values["prefer"]),
        capabilities=_set(when["capabilities"]),
        labels=_pairs(when["labels"]),
        levels=_set(when["levels"]),
    )


def rule(values: Mapping[str, Any]) -> AccessRule:
    """Return an access rule; the caller keeps their order, since the first allow counts."""
    effect = Effect.ALLOW if "allow" in values else Effect.DENY
    return AccessRule(
        name=values["name"],
        effect=effect,
        verb=values[effect.value],
        principal=values["from"],
        target=values["to"],
        types=_set(values["types"]),
        levels=_set(values["levels"]),
        capabilities=_set(values["capabilities"]),
        labels=_pairs(values["labels"]),
        window=window(values),
    )


def window(values: Mapping[str, Any]) -> Window | None:
    """Return when a rule holds, None for always. "24:00" is the end of the day."""
    if "between" not in values and "days" not in values:
        return None
    since, until = values.get("between", ("00:00", "24:00"))
    return Window(
        zone=values.get("zone", "UTC"),
        days=tuple(day for day in DAYS if day in values.get("days", ())),
        since_min=_minutes(since),
        until_min=_minutes(until),
    )


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def sink(values: Mapping[str, Any]) -> Sink:
    """Return where alerts are told."""
    url_from = values["url_from"]
    return Sink(
        kind=SinkKind(values["kind"]),
        url=values["url"],
        url_from=source(url_from) if url_from else None,
        argv=tuple(values["argv"]),
    )


def monitoring(values: Mapping[str, Any]) -> Monitoring:
    """Return times and thresholds; what isn't given has its default."""
    given = {name: values[name] for name in ("provider_failures",) if name in values}
    if "alerts" in values:
        given["alerts"] = tuple(sink(each) for each in values["alerts"])
    others = {"retention", "provider_failures", "alerts"}
    times = {f"{name}_s": value for name, value in values.items() if name not in others}
    kept = {f"{name}_s": value for name, value in values.get("retention", {}).items()}
    return Monitoring(**times, **given, retention=Retention(**kept))


def fleet(
    name: str,
    *,
    hosts: Iterable[Host],
    agents: Iterable[AgentSpec],
    providers: Iterable[Provider],
    routing: Routing,
    access: Iterable[AccessRule],
    monitoring: Monitoring,
    destinations: Iterable[Destination] = (),
    message_kinds: Iterable[MessageKind] = (),
    opa: Opa = Opa(),  # noqa: B008 it is frozen
) -> DesiredState:
    """Return the whole fleet in its one order: by host and name."""
    return DesiredState(
        fleet=name,
        hosts=tuple(sorted(hosts, key=lambda each: each.name)),
        agents=tuple(sorted(agents, key=lambda each: (each.host, each.name))),
        providers=tuple(sorted(providers, key=lambda each: each.name)),
        routing=routing,
        access=tuple(access),
        monitoring=monitoring,
        destinations=tuple(sorted(destinations, key=lambda each: each.name)),
        message_kinds=tuple(sorted(message_kinds, key=lambda each: each.name)),
        opa=opa,
    )


def _set(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(words)))


def _pairs(mapping: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(mapping.items()))
