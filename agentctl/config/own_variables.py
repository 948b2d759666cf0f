"""What one declaration of a play brings along itself: its `vars`, its loop, and what is odd about them.

Ansible's order: a task's vars win over the play's and its vars_files, a loop's item over
those, `-e` over all but the item. Source: Ansible, "Understanding variable precedence".
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agentctl.config.document import Document
from agentctl.config.finding import Path, Severity, did_you_mean, shown
from agentctl.config.host_scope import OF_THE_HOST
from agentctl.config.inventory import variables
from agentctl.config.scope import Ledger, Scope, Variable

LOOP_ITEMS_MAX = 10_000


def looped(
    document: Document, path: Path, agent: Mapping[str, Any], scope: Scope
) -> Iterator[tuple[int, Scope]]:
    """Yield a number and a scope for each item of the declaration's loop; itself without one.

    Raises Failed.
    """
    if "loop" not in agent:
        yield 0, scope
        return
    at = (*path, "loop")
    items = scope.render(agent["loop"], document, at)
    if not isinstance(items, list) or len(items) > LOOP_ITEMS_MAX:
        scope.report(
            document,
            at,
            "loop-items",
            f"a loop goes over a list of at most {LOOP_ITEMS_MAX}; this is {shown(items)}",
            "",
        )
    control = agent.get("loop_control", {})
    for index, item in enumerate(items):
        values = {control.get("loop_var", "item"): item}
        if "index_var" in control:
            values[control["index_var"]] = index
        yield index, scope.with_values(values, "loop")


def reserved(document: Document, path: Path, names: Iterable[str], ledger: Ledger) -> None:
    """Warn of variables that have their value from the host, whatever is written here."""
    for name in sorted(OF_THE_HOST.intersection(names)):
        _warn(
            *(ledger, document, (*path, name), "reserved-variable"),
            f"{name!r} says what the host is; what is written here is never used",
            "give the variable another name",
        )


def _warn(
    ledger: Ledger, document: Document, path: Path, rule: str, message: str, suggestion: str
) -> None:
    ledger.findings.append(
        document.finding(
            rule, message, path, key=True, severity=Severity.WARNING, suggestion=suggestion
        )
    )


class OwnVariables:
    """One declaration's `vars` over the hosts of its play. Remembers which of them were of use."""

    def __init__(self, document: Document, path: Path, agent: Mapping[str, Any]) -> None:
        self.document = document
        self.path = (*path, "vars")
        self.given: Mapping[str, Variable] = variables(document, self.path, agent.get("vars"))
        self._agent = agent
        self._watched = bool(self.given) or "loop" in agent
        self._asked: set[str] = set()
        self._known: set[str] = set()  # what the declaration could use besides
        self._rendered = False

    def over(self, scope: Scope) -> Scope:
        """Return the scope of the declaration on one host."""
        if self._watched:
            self._known.update(scope.variables)
        return scope.with_variables(self.given) if self.given else scope

    def rendered(self, scope: Scope) -> None:
        """Take in what the declaration used for an agent that could be declared."""
        self._rendered = True
        if self._watched:
            self._asked |= scope.asked

    def judge(self, ledger: Ledger, *, plain: bool) -> None:
        """Warn of what can have no effect, and of loop variables that hide another."""
        reserved(self.document, self.path, self.given, ledger)
        if plain or self._rendered:  # else it holds nowhere: nobody asked for anything
            self._unused(ledger)
        self._hidden(ledger)

    def _unused(self, ledger: Ledger) -> None:
        unused = self.given.keys() - self._asked - OF_THE_HOST
        for name in sorted(unused):
            _warn(
                *(ledger, self.document, (*self.path, name), "unused-variable"),
                f"nothing of this agent uses the variable {name!r}",
                did_you_mean(name, (self._asked | self._known) - self.given.keys())
                or f"write {{{{ {name} }}}} in one of its fields, or leave it out",
            )

    def _hidden(self, ledger: Ledger) -> None:
        control = self._agent.get("loop_control", {})
        names = {control.get("loop_var", "item"), control.get("index_var")} - {None}
        known = (self._known | self.given.keys()) - OF_THE_HOST if "loop" in self._agent else ()
        at = (*self.path[:-1], "loop")
        for name in sorted(names.intersection(known)):
            _warn(
                *(ledger, self.document, at, "shadowed-variable"),
                f"the loop hides the variable {name!r}",
                "name the item otherwise: loop_control: {loop_var: …}",
            )
