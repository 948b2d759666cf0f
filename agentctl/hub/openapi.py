"""/openapi.json (OpenAPI 3.1) from the same table of routes that an app is built from."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from agentctl.hub.bodies import document
from agentctl.hub.query import Parameter
from agentctl.hub.route import Route
from agentctl.web.problems import CONTENT_TYPE

_WORDS = {
    400: "The body is not strict JSON.",
    401: "No credential, or one that doesn't verify.",
    403: "A decision said no; `decision` finds it in the journal.",
    404: "No such thing, or none that the caller may know of.",
    409: "The world moved.",
    413: "The body is over the bound.",
    415: "The body is not application/json.",
    422: "The input is not well formed; `errors` say where.",
    429: "Too many; Retry-After says when.",
    431: "Path, query and headers are over this listener's bound.",
    500: "Something failed that nobody planned for.",
    503: "Something needed is away; Retry-After says when.",
}


def openapi(
    routes: Sequence[Route[Any]], *, title: str, version: str, scheme: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the document. `scheme` is the listener's security scheme, None when the socket is the role."""
    names: set[str] = {"wire/problem"}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_plain(route.path), {})[route.method.lower()] = _operation(
            route, scheme, names
        )
    components: dict[str, Any] = {"schemas": _schemas(names)}
    if scheme is not None:
        components["securitySchemes"] = {"caller": scheme}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": components,
    }


def _operation(route: Route[Any], scheme: dict[str, Any] | None, names: set[str]) -> dict[str, Any]:
    secured = scheme is not None and not route.open
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub('[^a-z]+', '_', _plain(route.path))}".rstrip(
            "_"
        ),
        "summary": route.summary,
        "parameters": [*_in_path(_plain(route.path)), *_others(route)],
        "responses": _responses(route, secured=secured),
    }
    if secured:
        operation["security"] = [{"caller": []}]
    if route.body:
        names.add(route.body)
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _ref(route.body)}}},
        }
    elif route.raw:
        content: dict[str, Any] = {"application/octet-stream": {}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _plain(path: str) -> str:
    """Return a path as OpenAPI has it, without the router's words (`{artifact:path}`)."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _in_path(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _others(route: Route[Any]) -> list[dict[str, Any]]:
    found = [("query", each) for each in route.query] + [("header", each) for each in route.headers]
    return [
        {
            "name": each.name,
            "in": where,
            "required": False,
            "description": each.about,
            "schema": _parameter(each),
        }
        for where, each in found
    ]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    one: dict[str, Any] = {"type": parameter.kind}
    if parameter.kind == "string":
        one["pattern"] = f"^(?:{parameter.pattern})$"
    else:
        one.update(minimum=parameter.minimum, maximum=parameter.maximum)
    if parameter.default is not None:
        one["default"] = parameter.default
    if parameter.count_max > 1:
        return {"type": "array", "items": one, "maxItems": parameter.count_max}
    return one


def _responses(route: Route[Any], *, secured: bool) -> dict[str, Any]:
    kind = route.content_type.partition(";")[0]
    shape = {"type": "object" if kind == "application/json" else "string"}
    answers = {
        str(status): {"description": route.summary, "content": {kind: {"schema": shape}}}
        for status in route.statuses
    }
    problem = {CONTENT_TYPE: {"schema": {"$ref": _ref("wire/problem")}}}
    refusals = {
        str(status): {"description": _WORDS[status], "content": problem}
        for status in sorted(_refusals(route, secured=secured))
    }
    return {**refusals, **answers}


def _refusals(route: Route[Any], *, secured: bool) -> set[int]:
    found = {422, 431, 503, *route.problems}
    if route.body:
        found |= {400, 413, 415}
    if route.raw:
        found |= {413, 415}
    if secured:
        found |= {401, 403}
    return found


def _ref(name: str) -> str:
    return f"#/components/schemas/{_component(name)}"


def _component(name: str) -> str:
    return name.replace("/", ".")


def _schemas(names: Iterable[str]) -> dict[str, Any]:
    """Return the schemas by component name, with those that they refer to, all references local."""
    found: dict[str, Any] = {}
    todo = sorted(names)
    while todo:
        name = todo.pop()
        if _component(name) not in found:
            body = {
                key: each for key, each in document(name).items() if key not in ("$id", "$schema")
            }
            found[_component(name)] = _localised(body, todo)
    return dict(sorted(found.items()))


def _localised(value: Any, todo: list[str]) -> Any:
    if isinstance(value, list):
        return [_localised(each, todo) for each in value]
    if not isinstance(value, dict):
        return value
    out = {key: _localised(each, todo) for key, each in value.items()}
    ref = out.get("$ref")
    if isinstance(ref, str) and ref.startswith("urn:agentctl:schema:"):
        name = "/".join(ref.removeprefix("urn:agentctl:schema:").split(":"))
        todo.append(name)
        out["$ref"] = _ref(name)
    return out
