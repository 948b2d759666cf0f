"""No signal handler sets an Event: it stops for ever the thread that it interrupts in a wait."""

import ast
from pathlib import Path

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


def test_signals_are_told_by_a_pipe() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in FILES
        if (lines := handlers(path)) and str(path.relative_to(ROOT)) not in SOUND
    }
    assert not found, "use agentctl.supervise.signals.told"
