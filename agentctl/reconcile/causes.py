"""Why a container no longer fits: two births compared field by field, in operators' own words."""

from collections.abc import Callable, Mapping

from agentctl.model.fleet import AgentSpec, Secret, Source, SourceKind
from agentctl.model.plan import Cause
from agentctl.reconcile.births import Born
from agentctl.reconcile.quantity import duration, size

# Every field that the spec hash covers, under the name it has in the project's files.
_FIELDS: Mapping[str, Callable[[Born], str]] = {
    "image": lambda born: born.spec.image,
    "provider": lambda born: born.spec.provider,
    "provider.kind": lambda born: born.provider.kind.value,
    "provider.model": lambda born: born.provider.model,
    "provider.boundary": lambda born: born.provider.boundary,
    "clearance": lambda born: born.spec.clearance,
    "lifecycle": lambda born: born.spec.lifecycle.value,
    "executor.kind": lambda born: born.spec.executor.kind.value,
    "executor.args": lambda born: _words(born.spec.executor.args),
    "executor.argv": lambda born: _words(born.spec.executor.argv),
    "resources.cpus": lambda born: f"{born.spec.resources.cpus:g}",
    "resources.memory": lambda born: size(born.spec.resources.memory_bytes),
    "resources.pids": lambda born: str(born.spec.resources.pids),
    "workspace.size": lambda born: size(born.spec.workspace.size_bytes),
    "egress": lambda born: _words(born.spec.egress),
    "ttl": lambda born: duration(born.spec.ttl_s),
    "grace": lambda born: duration(born.spec.grace_s),
}


def differences(old: Born, new: Born) -> tuple[Cause, ...]:
    """Return each field that differs, `what: old → new`; never a secret's value or a command's words."""
    fields = tuple(
        Cause(what=what, old=before, new=after)
        for what, show in _FIELDS.items()
        if (before := show(old)) != (after := show(new))
    )
    return fields + _secrets(old.spec, new.spec)


def drift(label: str, new: Born, past: Mapping[str, Born]) -> tuple[Cause, ...]:
    """Return why a container whose label says `label` isn't `new`.

    `past` are births that the caller remembers; a container from before that
    has only its hash to tell. Empty when nothing differs.
    """
    if label == new.hash:
        return ()
    old = past.get(label)
    named = differences(old, new) if old is not None and old.spec.name == new.spec.name else ()
    return named or (Cause(what="spec", old=label or "none", new=new.hash),)


def _words(words: tuple[str, ...]) -> str:
    return f"[{', '.join(words)}]"


def _secrets(old: AgentSpec, new: AgentSpec) -> tuple[Cause, ...]:
    before, after = _by_name(old.secrets), _by_name(new.secrets)
    return tuple(
        Cause(what=f"secrets.{name}", old=_place(before.get(name)), new=_place(after.get(name)))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def _by_name(secrets: tuple[Secret, ...]) -> dict[str, Source]:
    return {each.name: each.source for each in secrets}


def _place(source: Source | None) -> str:
    if source is None:
        return "none"
    if source.kind is SourceKind.COMMAND:
        # A command's arguments may hold a credential: its name, and that it is another one, are enough.
        return f"command {source.argv[0] if source.argv else '?'} …"
    return f"{source.kind.value} {source.name}"
