"""The house rules as tests; each message names the better way."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from agentctl import errors

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted([*ROOT.glob("agentctl/**/*.py"), *ROOT.glob("daemon/**/*.py")])
DRAWERS = {"utils", "util", "helpers", "common", "misc", "manager", "managers", "stuff"}
LINES_MAX = 400  # look twice at 300; past 400 a file has a second subject
FUNCTION_LINES_MAX = 80  # look twice at 50


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_a_module_says_what_it_is_for_and_keeps_to_one_subject(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "begin the module with a sentence that says what it is for"
    assert path.stem not in DRAWERS, "name the file after its subject; a drawer collects anything"
    assert len(text.splitlines()) <= LINES_MAX, "split the file by subject"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or 0) - node.lineno
            assert lines <= FUNCTION_LINES_MAX, f"{node.name}: name its steps as functions"


def all_errors() -> list[type[errors.AgentctlError]]:
    found = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, errors.AgentctlError)]


def test_every_error_has_a_status_an_exit_code_and_a_type_of_its_own() -> None:
    for each in all_errors():
        assert 400 <= each.status < 600, each
        assert 1 <= each.exit_code <= 6, each
    types = [each.type for each in all_errors()]
    assert len(set(types)) == len(types), "a problem type names one class: clients map it back"


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


def test_no_file_names_a_package_registry() -> None:
    # joined here, so that this file names none of them
    hosts = re.compile(
        "|".join(
            [
                "py" + r"pi\.org",
                "pythonhosted" + r"\.",
                r"registry\.npm" + "js",
                r"npm" + r"js\.org",
            ]
        )
    )
    named = [
        name
        for name in tracked()
        if hosts.search((ROOT / name).read_text(encoding="utf-8", errors="replace"))
    ]
    assert not named, "install by package name; the machine's own settings say from where"


def test_every_command_of_the_table_can_be_loaded() -> None:
    from agentctl.cli import COMMANDS, agentctl

    for name in COMMANDS:
        command = agentctl.get_command(
            agentctl.make_context("agentctl", ["--help"], resilient_parsing=True), name
        )
        assert command is not None, name
        assert command.help, f"{name}: say in one line what it does"


def takes_the_memorys_lock(node: ast.AST) -> bool:
    return isinstance(node, ast.With) and any(
        ast.unparse(each.context_expr).endswith(("live.lock", "live.moding")) for each in node.items
    )


def writes_under_the_memorys_lock(source: str) -> list[int]:
    return [
        call.lineno
        for held in filter(takes_the_memorys_lock, ast.walk(ast.parse(source)))
        for call in ast.walk(held)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).endswith(("store.write", "store.write_soon", "modes.cause"))
    ]


def test_nobody_writes_to_the_store_under_the_lock_of_the_hubs_memory() -> None:
    bad = "with hub.live.lock:\n    if x:\n        hub.store.write(work)\n"
    assert writes_under_the_memorys_lock(bad) == [3]
    found = {
        relative(path): lines
        for path in CODE
        if (lines := writes_under_the_memorys_lock(path.read_text()))
    }
    assert found == {}, (
        "a write that fails takes the same lock: give this one its own, or write after"
    )
