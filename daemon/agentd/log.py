"""Log lines: one JSON object a line on standard error, never a prompt, an output or a token."""

import datetime
import json
import os
import sys
import threading
import traceback
from types import TracebackType

_STDERR = 2
Field = str | int | float | bool | None


def info(event: str, **fields: Field) -> None:
    """Say that something ordinary happened."""
    _write("info", event, fields)


def warning(event: str, **fields: Field) -> None:
    """Say that something is wrong that agentd goes on with."""
    _write("warning", event, fields)


def error(event: str, **fields: Field) -> None:
    """Say why something can't go on."""
    _write("error", event, fields)


def where(cause: BaseException) -> str:
    """Return an exception as `Type at file:line < file:line`: no message, which may quote a body."""
    frames = traceback.extract_tb(cause.__traceback__)[-4:]
    places = [f"{os.path.basename(each.filename)}:{each.lineno}" for each in reversed(frames)]  # noqa: PTH119 - a zip member
    return f"{type(cause).__name__} at {' < '.join(places)}"


def crash_hook(
    _type: type[BaseException], value: BaseException, _trace: TracebackType | None
) -> None:
    """Replace Python's own traceback, whose message could quote what must not be logged."""
    error("agentd.crashed", where=where(value))


def install() -> None:
    """Make every uncaught exception one log line."""
    sys.excepthook = crash_hook


def _write(level: str, event: str, fields: dict[str, Field]) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    line = {"at": now, "level": level, "event": event, **fields}
    if threading.current_thread() is not threading.main_thread():
        line["thread"] = threading.current_thread().name
    text = json.dumps(line, ensure_ascii=True) + "\n"
    try:
        os.write(_STDERR, text.encode())  # unbuffered: nothing to lose and no lock at exit
    except OSError:
        return  # nobody reads; the work goes on
