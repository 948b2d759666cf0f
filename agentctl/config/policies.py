"""The policy files: providers, routing, access and monitoring, each item checked by itself."""

from collections.abc import Mapping
from typing import Any

from agentctl.config import compile as compiled
from agentctl.config.document import Document
from agentctl.config.files import Files
from agentctl.config.finding import Path, Subject
from agentctl.config.place import Place
from agentctl.config.scope import Failed, Ledger, Scope
from agentctl.config.values import normalised
from agentctl.model.fleet import AccessRule, Destination, Monitoring, Opa, Provider, Routing

NO_ROUTING = Routing(levels=(), default="", boundaries=())


class Policies:
    """Reads the four documents in one scope: the variables that all hosts share."""

    def __init__(self, *, files: Files, scope: Scope, ledger: Ledger) -> None:
        self.files = files
        self.scope = scope
        self.ledger = ledger
        self.places: dict[Subject, Place] = {}
        self.complete = {"providers": True, "routing": True, "destinations": True}

    def _item(self, document: Document, path: Path, kind: str, raw: Any) -> dict[str, Any] | None:
        """Return one item rendered and normalised, or None with its findings recorded."""
        if not self.files.sound(document, path):
            return None
        try:
            rendered = self.scope.render(raw, document, path)
        except Failed:
            return None
        values, wrong = normalised(kind, rendered)
        for each in wrong:
            self.ledger.findings.append(
                document.finding(
                    each.rule,
                    each.message,
                    (*path, *each.path),
                    expected=each.expected,
                    found=each.found,
                    suggestion=each.suggestion,
                    secret=not {"api_key", "url_from"}.isdisjoint(each.path),
                )
            )
        return None if wrong else values

    def providers(self) -> list[Provider]:
        """Return the model providers."""
        document = self.files.required("providers")
        declared = _mapping(document, "providers")
        if document is None or declared is None:
            self.complete["providers"] = False
            return []
        found = []
        for name, raw in declared.items():
            path = ("providers", name)
            values = self._item(document, path, "provider", raw)
            if values is None:
                self.complete["providers"] = False
                continue
            self.places[("provider", name)] = Place(document, path)
            found.append(compiled.provider(name, values))
        return found

    def destinations(self) -> list[Destination]:
        """Return what egress may name, of the providers' document; its own findings are there already."""
        document = self.files.read_before("providers")
        found = []
        for name, raw in (_mapping(document, "destinations") or {}).items():
            path = ("destinations", name)
            values = self._item(document, path, "destination", raw) if document else None
            if document is None or values is None:
                self.complete["destinations"] = False
                continue
            try:
                found.append(compiled.destination(name, values))
            except ValueError as why:
                self.complete["destinations"] = False
                self.ledger.findings.append(
                    document.finding(
                        "bad-value", f"expected {why}", (*path, "hosts"), expected=str(why)
                    )
                )
                continue
            self.places[("destination", name)] = Place(document, path)
        return found

    def routing(self) -> Routing:
        """Return levels, boundaries and those routes that are sound."""
        document = self.files.required("routing")
        whole = _mapping(document)
        if document is None or whole is None:
            self.complete["routing"] = False
            return NO_ROUTING
        body = {key: raw for key, raw in whole.items() if key != "routes"}
        sound = self.files.sound(document, (), only_here=True) and all(
            self.files.sound(document, (key,)) for key in body
        )
        values = self._body(document, body) if sound else None
        routes = self._list(document, "routes", "route")
        if values is None:
            self.complete["routing"] = False
            return NO_ROUTING
        self.places[("routing",)] = Place(document, ())
        return compiled.routing(values, routes)

    def _body(self, document: Document, body: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            rendered = self.scope.render(dict(body), document, ())
        except Failed:
            return None
        values, wrong = normalised("routing", rendered)
        for each in wrong:
            self.ledger.findings.append(
                document.finding(
                    each.rule, each.message, each.path, expected=each.expected, found=each.found
                )
            )
        return None if wrong else values

    def access(self) -> list[AccessRule]:
        """Return the access rules in their order; none when there is no such file."""
        document = self.files.required("access")
        whole = _mapping(document)
        if document is None or whole is None:
            return []
        return [compiled.rule(values) for values in self._list(document, "rules", "rule")]

    def opa(self) -> Opa:
        """Return the server that may narrow the rules, of the rules' document; none by default."""
        document = self.files.read_before("access")
        raw = _mapping(document, "opa")
        if document is None or raw is None:
            return Opa()
        values = self._item(document, ("opa",), "opa", raw)
        self.places[("opa",)] = Place(document, ("opa",))
        return compiled.opa(values) if values is not None else Opa()

    def monitoring(self) -> Monitoring:
        """Return times and thresholds; the defaults when there is no such file."""
        document = self.files.required("monitoring")
        whole = _mapping(document)
        if document is None or whole is None:
            return Monitoring()
        values = self._item(document, (), "monitoring", whole)
        self.places[("monitoring",)] = Place(document, ())
        return compiled.monitoring(values) if values is not None else Monitoring()

    def _list(self, document: Document, key: str, kind: str) -> list[dict[str, Any]]:
        """Return the sound items of a list, and note where each stands under its name."""
        found = []
        items = document.value.get(key)
        for index, raw in enumerate(items if isinstance(items, list) else ()):
            path = (key, index)
            values = self._item(document, path, kind, raw)
            if values is None:
                self.complete["routing"] &= kind != "route"
                continue
            subject = "access" if kind == "rule" else kind
            inside = {each: (*path, "when", each) for each in ("levels", "labels", "capabilities")}
            self.places[(subject, values["name"])] = Place(
                document, path, inside if kind == "route" else {}
            )
            found.append(values)
        return found


def _mapping(document: Document | None, key: str | None = None) -> dict[str, Any] | None:
    """Return a document's mapping (or the one under `key`), or None if there is none."""
    if document is None:
        return None
    value = document.value if key is None else None
    if key is not None and isinstance(document.value, dict):
        value = document.value.get(key)
    return value if isinstance(value, dict) else None
