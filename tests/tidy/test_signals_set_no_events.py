"""No signal handler sets an Event: it stops for ever the thread that it interrupts in a wait."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    each for folder in ("agentctl", "daemon", "bench") for each in (ROOT / folder).rglob("*.py")
)
# Handlers that only note a number or put into a SimpleQueue, which is reentrant.
SOUND = {"agentctl/supervise/signals.py", "daemon/agentd/main.py"}


def handlers(path: Path) -> list[int]:
    """Return the lines that install a signal handler of our own."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "signal.signal"
        and not ast.unparse(node.args[1]).startswith("signal.SIG_")
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_signals_are_told_by_a_pipe(path: Path) -> None:
    if str(path.relative_to(ROOT)) in SOUND:
        return
    assert not handlers(path), "use agentctl.supervise.signals.told"
