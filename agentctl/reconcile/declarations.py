"""Two declarations of a fleet compared: what was added, changed or taken out, and what then reaches wider.

Containers have no part in it: this is what a review of the files wants to know, with no engine.
Source: docs/decisions/0016-reviewing-a-change.md.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentctl.model.digest import plain
from agentctl.model.fleet import AgentSpec, DesiredState, Destination, Host, Provider
from agentctl.model.plan import Cause
from agentctl.reconcile import widening
from agentctl.reconcile.births import Born
from agentctl.reconcile.causes import differences

SINGLE = frozenset({"opa", "monitoring"})  # a fleet has one of each
VALUE_CHARS_MAX = 200  # of one shown value; a review needs to recognise it


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One thing that is declared otherwise than before.

    `verb` is add, change or remove; `kind` is agent, host, provider, routing, route, rule …;
    `widens` says in words what it permits that wasn't permitted before (empty: nothing).
    `subject` names what is declared as the loader's places do: ("agent", name, host).
    """

    verb: str
    kind: str
    name: str
    causes: tuple[Cause, ...] = ()
    widens: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """Kind and name in words; of what there is one of, the name alone."""
        alone = self.kind in SINGLE and self.name == self.kind
        return self.name if alone else f"{self.kind} {self.name}"


def declarations(before: DesiredState | None, after: DesiredState) -> tuple[Declaration, ...]:
    """Return what differs between two fleets, in the order of the files; `before` None is an empty one."""
    old = before or _nothing(after)
    return (
        *_named("host", old.hosts, after.hosts, _name, _fields, widening.host),
        *_agents(old, after),
        *_named("provider", old.providers, after.providers, _name, _fields, widening.provider),
        *_named(
            *("destination", old.destinations, after.destinations),
            *(_name, _fields, widening.destination),
        ),
        *_routing(old, after, first=before is None),
        *_named(
            "route", old.routing.routes, after.routing.routes, _name, _fields, widening.nothing
        ),
        *_order("routes", old.routing.routes, after.routing.routes),
        *_named("rule", old.access, after.access, _name, _fields, widening.rule),
        *_opa(old, after),
        *_named(
            *("message kind", old.message_kinds, after.message_kinds),
            *(_name, _fields, widening.nothing),
        ),
        *_one("monitoring", old.monitoring, after.monitoring),
        *_others(old, after),
    )


def _nothing(after: DesiredState) -> DesiredState:
    """Return a fleet of that name with the same levels and no more: the state before the first one."""
    routing = dataclasses.replace(after.routing, routes=())
    return DesiredState(fleet=after.fleet, hosts=(), agents=(), providers=(), routing=routing)


def _name(value: Any) -> str:
    return _printable(str(value.name))


def _printable(text: str) -> str:
    """Return text that moves no cursor: rules and routes are named freely, by whoever proposes them."""
    return "".join(each if each.isprintable() else " " for each in text)


def _said(reasons: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_printable(each) for each in reasons)


def _agents(old: DesiredState, new: DesiredState) -> Iterator[Declaration]:
    hosts: dict[str, set[str]] = {}
    for each in (*old.agents, *new.agents):
        hosts.setdefault(each.name, set()).add(each.host)

    def named(agent: AgentSpec) -> str:
        return agent.name if len(hosts[agent.name]) == 1 else f"{agent.name} on {agent.host}"

    yield from _named(
        "agent",
        old.agents,
        new.agents,
        named,
        lambda before, after: _agent_fields(before, after, new),
        lambda before, after: widening.agent(before, after, new.routing.levels),
    )


# Shown by `differences` under the names they have in the files.
_SHOWN_AS_BORN = frozenset(
    {"image", "provider", "clearance", "lifecycle", "executor", "resources", "workspace"}
    | {"ttl", "grace", "secrets", "egress"}
)


def _agent_fields(before: AgentSpec, after: AgentSpec, fleet: DesiredState) -> tuple[Cause, ...]:
    provider = fleet.provider(after.provider)
    born = (
        differences(
            Born(spec=before, provider=provider, hash=""),
            Born(spec=after, provider=provider, hash=""),
        )
        if provider
        else ()
    )
    return born + tuple(
        each for each in _fields(before, after) if each.what.partition(".")[0] not in _SHOWN_AS_BORN
    )


def _routing(old: DesiredState, new: DesiredState, *, first: bool) -> Iterator[Declaration]:
    before = dataclasses.replace(old.routing, routes=())
    after = dataclasses.replace(new.routing, routes=())
    if first:
        name = f"levels {', '.join(after.levels)}"
        yield Declaration(verb="add", kind="routing", name=name, subject=("routing",))
    elif before != after:
        yield Declaration(
            verb="change",
            kind="routing",
            name="levels and boundaries",
            causes=_fields(before, after),
            widens=_said(widening.routing(before, after)),
            subject=("routing",),
        )


def _order(kind: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Declaration]:
    """Yield a changed order, where the first match counts; who came or went says enough by itself."""
    both = {each.name for each in old} & {each.name for each in new}
    before = [each.name for each in old if each.name in both]
    after = [each.name for each in new if each.name in both]
    if before != after:
        moved = Cause(what="order", old=", ".join(before), new=", ".join(after))
        yield Declaration(
            verb="change", kind=kind, name="order", causes=(moved,), subject=("routing", "routes")
        )


def _opa(old: DesiredState, new: DesiredState) -> Iterator[Declaration]:
    if old.opa != new.opa:
        causes, widens = _fields(old.opa, new.opa), widening.opa(old.opa, new.opa)
        yield Declaration(
            verb="change", kind="opa", name="opa", causes=causes, widens=widens, subject=("opa",)
        )


def _one(kind: str, old: Any, new: Any) -> Iterator[Declaration]:
    if old != new:
        yield Declaration(
            verb="change", kind=kind, name=kind, causes=_fields(old, new), subject=(kind,)
        )


_KNOWN = frozenset(
    {"fleet", "hosts", "agents", "providers", "routing", "access", "monitoring"}
    | {"destinations", "message_kinds", "opa"}
)


def _others(old: DesiredState, new: DesiredState) -> Iterator[Declaration]:
    """Yield parts of the fleet that have no comparison of their own: shown whole, never left out."""
    for field in dataclasses.fields(DesiredState):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if field.name not in _KNOWN and before != after:
            change = Cause(what=field.name, old=_shown(plain(before)), new=_shown(plain(after)))
            yield Declaration(verb="change", kind=field.name, name=field.name, causes=(change,))


def _named(
    kind: str,
    old: Sequence[Any],
    new: Sequence[Any],
    name: Callable[[Any], str],
    fields: Callable[[Any, Any], tuple[Cause, ...]],
    widens: Callable[[Any, Any], tuple[str, ...]],
) -> Iterator[Declaration]:
    """Yield additions and changes in the new order, then what was taken out in the old one."""
    before, after = {name(each): each for each in old}, {name(each): each for each in new}
    for key, value in after.items():
        if key not in before:
            yield Declaration(
                verb="add",
                kind=kind,
                name=key,
                causes=_about(value),
                widens=_said(widens(None, value)),
                subject=_subject(kind, value),
            )
        elif before[key] != value:
            yield Declaration(
                verb="change",
                kind=kind,
                name=key,
                causes=fields(before[key], value),
                widens=_said(widens(before[key], value)),
                subject=_subject(kind, value),
            )
    for key, value in before.items():
        if key not in after:
            yield Declaration(verb="remove", kind=kind, name=key, widens=_said(widens(value, None)))


def _subject(kind: str, value: Any) -> tuple[str, ...]:
    return (kind, value.name, value.host) if isinstance(value, AgentSpec) else (kind, value.name)


def _about(value: Any) -> tuple[Cause, ...]:
    """Return in a line what is new, as far as a review of permissions goes."""
    match value:
        case AgentSpec():
            said = f"cleared for {value.clearance}, provider {value.provider}, on {value.host}"
        case Provider():
            said = f"{value.kind.value} {value.model}, boundary {value.boundary}"
        case Destination():
            said = f"boundary {value.boundary}"
        case Host():
            said = f"{value.engine_url}, isolation {value.isolation.value}"
        case _:
            return ()
    return (Cause(what=said),)


def _fields(before: Any, after: Any) -> tuple[Cause, ...]:
    """Return the fields that differ between two frozen values of one type, nested ones dotted."""
    old, new = _flat(plain(before)), _flat(plain(after))
    return tuple(
        Cause(what=_spoken(key), old=_shown(old.get(key)), new=_shown(new.get(key)))
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    )


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, each in value.items():
        if key == "argv" and each:
            each = [*each[:1], "…"]  # a command's arguments may hold a credential
        if isinstance(each, dict):
            found.update(_flat(each, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = each
    return found


def _spoken(key: str) -> str:
    """Return a field's name as the files have it: without its unit."""
    return key.removesuffix("_s").removesuffix("_bytes")


def _shown(value: Any) -> str:
    if value is None or value in ("", []):
        return "none"
    if isinstance(value, list):
        pairs = all(isinstance(each, list) and len(each) == 2 for each in value)
        inner = (f"{each[0]}: {each[1]}" if pairs else _shown(each) for each in value)
        text = f"[{', '.join(inner)}]"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        text = f"{value:.15g}"
    else:
        text = str(value)
    text = _printable(text)
    return text if len(text) <= VALUE_CHARS_MAX else text[: VALUE_CHARS_MAX - 1] + "…"
