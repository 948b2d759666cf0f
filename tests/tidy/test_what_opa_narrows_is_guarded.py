"""Whoever writes what OPA was asked about asks for the mode again: by `narrowing`, which nobody goes round."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICE = Path(__file__).resolve().parents[2] / "agentctl" / "service"
MODULES = sorted(SERVICE.glob("*.py"))
# What gives somebody OPA's answers; `among` is for a transaction, and for these alone.
ASKING = {"narrowing.asking", "narrowing.ask", "asking", "ask"}
# The guard itself, and what moves waiting work in every mode.
INSIDE = {"narrowing", "owed", "reroute"}
WRITES = {"hub.store.write", "hub.store.write_soon"}


def calls(function: ast.AST) -> set[str]:
    return {ast.unparse(each.func) for each in ast.walk(function) if isinstance(each, ast.Call)}


def reaching(tree: ast.Module) -> dict[str, set[str]]:
    """Return what each function of a module calls, by others of the same module too."""
    found = {
        each.name: calls(each) | {ast.unparse(name) for name in ast.walk(each) if is_name(name)}
        for each in tree.body
        if isinstance(each, ast.FunctionDef)
    }
    for _ in found:
        for reached in found.values():
            reached |= {more for name in reached & set(found) for more in found[name]}
    return found


def is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)  # a function that is handed on is called, too


def unguarded(source: str) -> Iterator[str]:
    for name, reached in reaching(ast.parse(source)).items():
        if reached & ASKING and reached & WRITES:
            yield name


def test_the_rule_sees_what_it_is_about() -> None:
    bad = """
def act(hub):
    say = _say(hub)
    _write(hub, say)
def _say(hub):
    return narrowing.asking(hub, hub.fleet)
def _write(hub, say):
    hub.store.write(lambda txn: put(txn, say))
"""
    assert list(unguarded(bad)) == ["act"]
    assert list(unguarded(bad.replace("hub.store.write", "narrowing.keep"))) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda each: each.stem)
def test_what_was_asked_about_is_written_by_the_guard(path: Path) -> None:
    found = [] if path.stem in INSIDE else list(unguarded(path.read_text()))
    assert found == [], "write it by narrowing.keep, which asks for mode and generation again"


@pytest.mark.parametrize("path", MODULES, ids=lambda each: each.stem)
def test_nobody_else_has_answers_in_a_transaction(path: Path) -> None:
    if path.stem not in INSIDE:
        names = {"among", "narrowing.among"}
        assert not calls(ast.parse(path.read_text())) & names, "use narrowing.write"
