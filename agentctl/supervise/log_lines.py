"""Logging of the long-running processes: one JSON object a line on standard error."""

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from agentctl.supervise.log_file import OwnLog

_ALWAYS_THERE = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLine(logging.Formatter):
    """A record as JSON: time (RFC 3339, UTC), level, process, logger, message, and its extra fields."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _ALWAYS_THERE}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class _Bounded(logging.StreamHandler[TextIO]):
    """Writes to standard error, and keeps the file behind it within its bound."""

    def __init__(self, file: OwnLog) -> None:
        super().__init__(sys.stderr)
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        self._file.bound()


def log_as_json(process: str, path: Path) -> None:
    """Send everything from INFO up to standard error as JSON lines; replaces other handlers.

    If standard error is the file at `path`, that one is begun anew when it has grown large.
    """
    handler = _Bounded(OwnLog(path))
    handler.setFormatter(JsonLine(process))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("waitress").setLevel(logging.WARNING)  # it tells every poll that was left
