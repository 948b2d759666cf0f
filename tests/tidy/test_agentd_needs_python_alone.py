"""agentd runs in images that hold Python and nothing else."""

import ast
import sys
from pathlib import Path

import pytest

AGENTD = Path(__file__).parents[2] / "daemon" / "agentd"


@pytest.mark.parametrize("path", sorted(AGENTD.rglob("*.py")), ids=lambda path: path.name)
def test_agentd_imports_only_the_standard_library_and_itself(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = imported - sys.stdlib_module_names - {"agentd"}
    assert not foreign, f"{path.name} imports {sorted(foreign)}: write it with the standard library"
