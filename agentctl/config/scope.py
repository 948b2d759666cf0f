"""Variables in force at one place (a host in a play, a loop's item), rendered when first asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from agentctl.config.document import Document
from agentctl.config.finding import Finding, Path, shown

CHAIN_MAX = 50  # variables that need variables; people write three or four
RENDERED_CHARS_MAX = 32 * 1024 * 1024  # of one load: 10,000 agents with 3 KiB of templates each


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as written, and where: a document and path, or (without one) `source` in words."""

    raw: Any
    source: str
    document: Document | None = None
    path: Path = ()


@dataclass(slots=True)
class Ledger:
    """What one load has found, and how many characters its templates have made."""

    findings: list[Finding] = field(default_factory=list)
    chars: int = 0


class Failed(Exception):
    """A value could not be rendered; the finding about it stands in the scope's list."""


class Scope:
    """Names to values, with what goes wrong written to the ledger that all scopes of a load share."""

    def __init__(
        self,
        variables: Mapping[str, Variable],
        ledger: Ledger,
        *,
        winning: frozenset[str] = frozenset(),
    ) -> None:
        self.variables = variables
        self.ledger = ledger
        self.winning = winning  # names that nothing nearer may give: `-e`, and what the host is
        self.asked: set[str] = set()  # names that were used, of this scope and those made from it
        self._values: dict[str, Any] = {}
        self._failed: set[str] = set()
        self._asked: list[str] = []

    def with_values(self, values: Mapping[str, Any], source: str) -> "Scope":
        """Return a scope that also knows these values (a loop's item); they win, as they are."""
        given = {name: Variable(raw, source) for name, raw in values.items()}
        inner = Scope({**self.variables, **given}, self.ledger, winning=self.winning)
        inner.asked = self.asked
        if self.variables.keys().isdisjoint(
            values
        ):  # else what was made may have been of the other
            inner._values = dict(self._values)
        inner._values.update(values)
        return inner

    def with_variables(self, given: Mapping[str, Variable]) -> "Scope":
        """Return a scope that also knows these variables: over the play's, under what wins always."""
        nearer = {name: each for name, each in given.items() if name not in self.winning}
        return Scope({**self.variables, **nearer}, self.ledger, winning=self.winning)

    def value(self, name: str) -> Any:
        """Return a variable's value; raise KeyError when there is none, Failed when it can't be had."""
        self.asked.add(name)
        if name in self._values:
            return self._values[name]
        if name in self._failed:
            raise Failed(name)
        variable = self.variables[name]
        if name in self._asked:
            self._circle(name, variable)
        if len(self._asked) >= CHAIN_MAX:
            self.report(
                variable.document,
                variable.path,
                "variable-depth",
                f"variables lead to each other more than {CHAIN_MAX} times",
                "give one of them a value of its own",
            )
        self._asked.append(name)
        try:
            value = self.render(variable.raw, variable.document, variable.path)
        except Failed:
            self._failed.add(name)
            raise
        finally:
            self._asked.pop()
        self._values[name] = value
        return value

    def _circle(self, name: str, variable: Variable) -> NoReturn:
        circle = " → ".join([*self._asked[self._asked.index(name) :], name])
        self.report(
            variable.document,
            variable.path,
            "variable-circle",
            f"variables need each other: {circle}",
            "give one of them a value of its own",
        )

    def render(self, raw: Any, document: Document | None, path: Path) -> Any:
        """Return `raw` with every text in it rendered; its structure stays. Raises Failed."""
        if isinstance(raw, str):
            return self._text(raw, document, path) if "{" in raw else raw
        if isinstance(raw, dict):
            return {
                key: self.render(value, document, (*path, key))
                if isinstance(value, str | dict | list)
                else value
                for key, value in raw.items()
            }
        if isinstance(raw, list):
            return [
                self.render(value, document, (*path, index))
                if isinstance(value, str | dict | list)
                else value
                for index, value in enumerate(raw)
            ]
        return raw

    def _text(self, raw: str, document: Document | None, path: Path) -> Any:
        if not ("{{" in raw or "{%" in raw or "{#" in raw):
            return raw
        return self._evaluate(raw, document, path, condition=False)

    def holds(self, condition: Any, document: Document | None, path: Path) -> bool:
        """Whether a `when` holds: a boolean, an expression, or a list of them. Raises Failed."""
        if isinstance(condition, list):
            return all(
                self.holds(each, document, (*path, index)) for index, each in enumerate(condition)
            )
        if not isinstance(condition, str):
            return bool(condition)
        result = self._evaluate(condition, document, path, condition=True)
        if not isinstance(result, bool):
            self.report(
                document,
                path,
                "condition-type",
                f"a condition gives true or false; this gives {shown(result)}",
                "compare it: name == 'value', or name | bool",
            )
        return bool(result)

    def _evaluate(
        self, source: str, document: Document | None, path: Path, *, condition: bool
    ) -> Any:
        from agentctl.config.template import Unrenderable, compiled  # jinja2: only where needed

        self._require_room(document, path)  # else each further one would still be made
        try:
            template = compiled(source, condition=condition)
            values = {name: self.value(name) for name in template.names if name in self.variables}
            made = template.render(values, self.variables)
        except Unrenderable as error:
            self.report(document, path, error.rule, error.message, error.suggestion)
        self._count(made, document, path)
        return made

    def _count(self, made: Any, document: Document | None, path: Path) -> None:
        self.ledger.chars += len(made) if isinstance(made, str) else 0
        self._require_room(document, path)

    def _require_room(self, document: Document | None, path: Path) -> None:
        if self.ledger.chars > RENDERED_CHARS_MAX:
            self.report(
                document,
                path,
                "template-too-large",
                f"the project's templates make more than {RENDERED_CHARS_MAX} characters",
                "keep long texts in files of the image, not in variables",
            )

    def report(
        self, document: Document | None, path: Path, rule: str, message: str, suggestion: str
    ) -> NoReturn:
        """Record a finding and give up on this value."""
        if document is None:
            self.ledger.findings.append(
                Finding(rule=rule, message=f"{message} (in -e)", suggestion=suggestion)
            )
        else:
            self.ledger.findings.append(
                document.finding(rule, message, path, suggestion=suggestion)
            )
        raise Failed(message)
