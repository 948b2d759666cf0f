"""Values after rendering: normalised, defaults filled in, forms and cross-field rules checked.

Cerberus does the work. Most agents of a large fleet differ in their name alone, so each
distinct body is validated once (`agent_values` keeps what it has seen).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cerberus import TypeDefinition, Validator
from cerberus.errors import ValidationError

from agentctl.config.finding import Path, did_you_mean, listed, shown
from agentctl.config.names import NAME_PATTERN, NAME_WORDS, TOPIC_PATTERN, TOPIC_WORDS
from agentctl.config.quantity import duration_s, size_bytes
from agentctl.model.week import DAYS

_IMAGE = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}(@sha256:[0-9a-f]{64})?"
_HOST_PORT = r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\]):[1-9][0-9]{0,4}"
_CLOCK = r"(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)"
_FORMS = {
    NAME_PATTERN: NAME_WORDS,
    TOPIC_PATTERN: TOPIC_WORDS,
    _HOST_PORT: "a lower-case name and its port, such as github.com:443",
    _IMAGE: "an image's name with its tag or digest",
    _CLOCK: "a time such as 08:00",
}
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "dict": "a mapping",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a value, before anyone knows where it stands. `path` is from the item's root."""

    rule: str
    message: str
    path: Path
    expected: str = ""
    found: str = ""
    suggestion: str = ""


class _Validator(Validator):  # type: ignore[misc]  # cerberus ships no types
    """Cerberus with integers that aren't booleans."""

    types_mapping = Validator.types_mapping | {
        "integer": TypeDefinition("integer", (int,), (bool,)),
        "number": TypeDefinition("number", (int, float), (bool,)),
    }


def _name(**more: Any) -> dict[str, Any]:
    return {"type": "string", "regex": NAME_PATTERN, **more}


def _words(**more: Any) -> dict[str, Any]:
    return {"type": "list", "schema": {"type": "string", "maxlength": 4096}, **more}


def _executor(field: str, value: Any, error: Any) -> None:
    """`argv` belongs to kind command alone, and `args` to the CLI alone."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "command" and not value.get("argv"):
        error(field, "kind command needs argv: the whole command as a list")
    if kind in ("claude-code", "messages-api") and value.get("argv"):
        error(field, f"argv is for kind command; kind {kind} has a program of its own")
    if kind in ("messages-api", "command") and value.get("args"):
        error(field, f"args are for kind claude-code; kind {kind} takes none")


def _sink(field: str, value: Any, error: Any) -> None:
    """Each kind of sink has what it needs, and nothing of another's."""
    found = value if isinstance(value, dict) else {}
    kind = found.get("kind")
    urls = [key for key in ("url", "url_from") if found.get(key)]
    if kind == "webhook" and len(urls) != 1:
        error(
            field, "a webhook needs url, or url_from when the URL itself is a secret; one of them"
        )
    if kind in ("log", "command") and urls:
        error(field, f"{urls[0]} is for kind webhook")
    if kind == "command" and not found.get("argv"):
        error(field, "kind command needs argv: the whole command as a list")
    if kind in ("log", "webhook") and found.get("argv"):
        error(field, "argv is for kind command")


def _apart(field: str, value: Any, error: Any) -> None:
    if isinstance(value, list) and len(value) == 2 and value[0] == value[1]:
        error(field, f"begins and ends at {value[0]}: leave it out for the whole day")
    if isinstance(value, list) and value[:1] == ["24:00"]:
        error(field, "a day begins at 00:00")


def _distinct_secrets(field: str, value: Any, error: Any) -> None:
    names = [each.get("name") for each in value if isinstance(each, dict)]
    for name in {each for each in names if names.count(each) > 1}:
        error(field, f"two secrets are called {name!r}; each is a file of its own")


def _positive(field: str, value: Any, error: Any) -> None:
    if isinstance(value, int | float) and value <= 0:
        error(field, "must be more than zero")


def _topics() -> dict[str, Any]:
    form = {"type": "string", "regex": TOPIC_PATTERN}
    return {"type": "list", "schema": form, "default": []}


# Of what one task may spend; the API's own bounds, schemas/api/task.
USD_MAX, TOKENS_MAX, TURNS_MAX = 1_000_000, 1_000_000_000_000, 100_000


def _bound(kind: str, most: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "max": most, "nullable": True, "default": None, **more}


_LABELS = {"type": "dict", "default": {}, "valuesrules": {"type": "string", "maxlength": 256}}
_SOURCE = {
    "type": "dict",
    "schema": {"file": {"type": "string"}, "env": {"type": "string"}, "command": _words()},
}
_DURATION = {"coerce": duration_s, "check_with": _positive}
AGENT: Mapping[str, Any] = {
    "image": {"type": "string", "regex": _IMAGE, "required": True},
    "provider": _name(required=True),
    "clearance": _name(required=True),
    "capabilities": {"type": "list", "schema": _name(), "default": []},
    "replicas": {"type": "integer", "min": 0, "max": 1000, "default": 1},
    "lifecycle": {
        "type": "string",
        "allowed": ["persistent", "ephemeral"],
        "default": "persistent",
    },
    "warm": {"type": "integer", "min": 0, "max": 1000, "default": 0},
    "on_change": {"type": "string", "allowed": ["drain", "immediate", "defer"], "default": "drain"},
    "resources": {
        "type": "dict",
        "default": {},
        "schema": {
            "cpus": {"type": "number", "min": 0.01, "max": 512, "default": 1.0},
            "memory": {"coerce": size_bytes, "min": 16 * 1024**2, "max": 2**50, "default": "2GiB"},
            "pids": {"type": "integer", "min": 16, "max": 65536, "default": 256},
        },
    },
    "workspace": {
        "type": "dict",
        "default": {},
        "schema": {"size": {"coerce": size_bytes, "min": 2**20, "max": 2**50, "default": "10GiB"}},
    },
    "secrets": {
        "type": "list",
        "default": [],
        "check_with": _distinct_secrets,
        "schema": {
            "type": "dict",
            "schema": {
                "name": {"type": "string", "regex": r"[A-Za-z0-9_][A-Za-z0-9._-]{0,62}"},
                "from": _SOURCE,
            },
        },
    },
    "ttl": {**_DURATION, "max": 365 * 86400, "default": "24h"},
    "grace": {**_DURATION, "max": 86400, "default": "30s"},
    "executor": {
        "type": "dict",
        "default": {"kind": "claude-code"},
        "check_with": _executor,
        "schema": {
            "kind": {
                "type": "string",
                "allowed": ["claude-code", "messages-api", "command"],
                "required": True,
            },
            "args": _words(default=[]),
            "argv": _words(default=[]),
        },
    },
    "tags": {"type": "list", "schema": {"type": "string"}, "default": []},
    "egress": {"type": "list", "schema": _name(), "default": []},
    "subscribes": _topics(),
    "publishes": _topics(),
    "labels": _LABELS,
    "budget": {
        "type": "dict",
        "default": {},
        "schema": {
            "usd": _bound("number", USD_MAX, check_with=_positive),
            "tokens": _bound("integer", TOKENS_MAX, min=1),
            "turns": _bound("integer", TURNS_MAX, min=1),
        },
    },
}
_PRICE = {"type": "number", "min": 0, "max": 1_000_000}
PROVIDER: Mapping[str, Any] = {
    "kind": {"type": "string", "allowed": ["ollama", "anthropic"]},
    "base_url": {"type": "string", "regex": r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?"},
    "model": {"type": "string", "minlength": 1, "maxlength": 256},
    "boundary": _name(),
    "api_key": {**_SOURCE, "nullable": True, "default": None},
    "price": {
        "type": "dict",
        "nullable": True,
        "default": None,
        "schema": {
            "input": {**_PRICE, "required": True},
            "output": {**_PRICE, "required": True},
            "cache_read": _PRICE,
            "cache_write": _PRICE,
        },
    },
}
DESTINATION: Mapping[str, Any] = {
    "hosts": {"type": "list", "schema": {"type": "string", "regex": _HOST_PORT}, "minlength": 1},
    "boundary": _name(),
    "networks": {"type": "list", "schema": {"type": "string", "maxlength": 64}, "default": []},
}
OPA: Mapping[str, Any] = {
    "enabled": {"type": "boolean", "required": True},
    "url": {"type": "string", "regex": r"https?://[A-Za-z0-9.:\[\]-]+/?"},
    "path": {"type": "string", "regex": r"[A-Za-z0-9_][A-Za-z0-9_/-]*", "maxlength": 256},
    "timeout": {**_DURATION, "max": 2},
    "token": {
        "type": "dict",
        "schema": {"file": {"type": "string", "required": True}},
        "nullable": True,
        "default": None,
    },
}
ROUTING: Mapping[str, Any] = {
    "levels": {"type": "list", "schema": _name()},
    "default": _name(),
    "boundaries": {"type": "dict", "keysrules": _name(), "valuesrules": _name()},
}
ROUTE: Mapping[str, Any] = {
    "name": {"type": "string", "minlength": 1, "maxlength": 100},
    "prefer": {"type": "list", "schema": _name(), "minlength": 1},
    "when": {
        "type": "dict",
        "default": {},
        "schema": {
            "capabilities": {"type": "list", "schema": _name(), "default": []},
            "labels": _LABELS,
            "levels": {"type": "list", "schema": _name(), "default": []},
        },
    },
}
_PATTERN = r"[A-Za-z0-9*?_.:@\[\]!-]+"
_PRINCIPAL = rf"(\*|(operator|agent):{_PATTERN})"
_TARGET = rf"(\*|(operator|agent|topic|secret|provider|task|destination):{_PATTERN})"
RULE: Mapping[str, Any] = {
    "name": {"type": "string", "minlength": 1, "maxlength": 100},
    "allow": {"type": "string"},
    "deny": {"type": "string"},
    "from": {"type": "string", "regex": rf"({_PRINCIPAL}|role:(viewer|ci|operator|admin))"},
    "to": {"type": "string", "regex": _TARGET, "default": "*"},
    "types": {"type": "list", "schema": {"type": "string"}, "default": []},
    "levels": {"type": "list", "schema": _name(), "default": []},
    "capabilities": {"type": "list", "schema": _name(), "default": []},
    "labels": _LABELS,
    "between": {
        "type": "list",
        "minlength": 2,
        "maxlength": 2,
        "check_with": _apart,
        "schema": {"type": "string", "regex": _CLOCK},
    },
    "days": {"type": "list", "allowed": list(DAYS)},
    "zone": {"type": "string", "maxlength": 64},
}
SINKS_MAX = 20  # each has a thread of its own
SINK: Mapping[str, Any] = {
    "type": "dict",
    "check_with": _sink,
    "schema": {
        "kind": {"type": "string", "allowed": ["log", "webhook", "command"], "required": True},
        "url": {
            "type": "string",
            "regex": r"(https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/?&=%:-]*)?)?",
            "default": "",
        },
        "url_from": {**_SOURCE, "nullable": True, "default": None},
        "argv": _words(default=[]),
    },
}
_TIME = {**_DURATION, "max": 30 * 86400}
_KEPT = {**_DURATION, "max": 3660 * 86400}
MONITORING: Mapping[str, Any] = dict.fromkeys(
    (
        "lease",
        "heartbeat",
        "converge",
        "reconciler_silent",
        "zero_throughput",
        "orphan_grace",
        "stalled",
        "drift",
        "dead_letters",
        "hub_silent",
    ),
    _TIME,
) | {
    "signing_key_age": {**_DURATION, "max": 3660 * 86400},
    "provider_failures": {"type": "integer", "min": 1, "max": 1000},
    "alerts": {"type": "list", "maxlength": SINKS_MAX, "schema": SINK},
    "retention": {
        "type": "dict",
        "schema": {"tasks": {**_KEPT, "min": 3600}, "journal": {**_KEPT, "min": 86400}},
    },
}
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "agent": AGENT,
    "provider": PROVIDER,
    "destination": DESTINATION,
    "opa": OPA,
    "routing": ROUTING,
    "route": ROUTE,
    "rule": RULE,
    "monitoring": MONITORING,
}


@cache
def _validator(kind: str) -> _Validator:
    validator = _Validator(dict(SCHEMAS[kind]), allow_unknown=False, purge_unknown=False)
    # Checked once, here. Cerberus' own form of it would check itself anew for every item.
    validator._schema = dict(validator.schema.schema)
    return validator


def normalised(kind: str, item: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Wrong, ...]]:
    """Return an item of `SCHEMAS` with defaults and numbers for units, and all that is wrong in it."""
    validator = _validator(kind)
    if validator.validate(item):
        return dict(validator.document), ()
    wrong = tuple(_flat(validator._errors, ()))
    return {}, wrong


def _flat(errors: Any, inside: Path) -> Iterator[Wrong]:
    for error in errors:
        if error.child_errors and not error.is_logic_error:
            yield from _flat(error.child_errors, inside)
        else:
            yield _worded(error)


def _worded(error: ValidationError) -> Wrong:
    path: Path = tuple(error.document_path)
    rule, wanted, value = error.rule, error.constraint, error.value
    if rule == "required":
        return Wrong("missing-key", f"{path[-1]!r} is missing", path[:-1], f"the key {path[-1]!r}")
    if rule in (None, "check_with", "coerce") and error.info:
        said = str(error.info[0])
        if rule != "coerce":
            return Wrong("bad-combination", said, path)
        return Wrong(
            "bad-value", f"expected {said}, found {shown(value)}", path, said, shown(value)
        )
    expected, hint = _expected(rule, wanted, value)
    return Wrong(
        "bad-value",
        f"expected {expected}, found {shown(value)}",
        path,
        expected,
        shown(value),
        hint,
    )


def _expected(rule: str, wanted: Any, value: Any) -> tuple[str, str]:
    if rule == "allowed":
        return f"one of {listed(wanted)}", did_you_mean(str(value), wanted)
    if rule == "type":
        return _TYPES.get(str(wanted), str(wanted)), ""
    if rule in ("min", "minlength"):
        return f"at least {wanted}", ""
    if rule in ("max", "maxlength"):
        return f"at most {wanted}", ""
    if rule == "nullable":
        return "a value", ""
    if rule == "regex":
        return _FORMS.get(str(wanted), "another form"), ""
    return "something else", ""
