"""Log lines that say which attempt they belong to, as JSON or as text.

What a handler logs carries the ids of its attempt by itself: a worker sets ``current`` around each run.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

from tasker_core.errors import InvalidRequestError
from tasker_core.telemetry import tracing

OURS = "tasker"
"""The loggers of Tasker itself: ``tasker`` and what is below it."""
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Attempted(Protocol):
    """What runs: an attempt, of which log lines tell."""

    def log_fields(self) -> Mapping[str, Any]:
        """Its ids: task_uuid, step_uuid, step, attempt, correlation_id, namespace, handler."""
        ...


current: ContextVar[Attempted | None] = ContextVar("tasker_current_attempt", default=None)
"""The attempt whose handler runs in this thread or asyncio task."""


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a line tells beside its message: the attempt it belongs to, the span, and what was given as ``extra``."""
    attempt = current.get()
    told = dict(attempt.log_fields()) if attempt is not None else {}
    told |= tracing.log_fields()
    told |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
    return told


class JsonFormatter(logging.Formatter):
    """One JSON object per line: ``timestamp`` (UTC), ``level``, ``logger``, ``message``, the ids, ``exception``.

    >>> record = logging.makeLogRecord({"name": "shop", "levelname": "INFO", "msg": "paid", "created": 0, "order": 7})
    >>> JsonFormatter().format(record)
    '{"timestamp": "1970-01-01T00:00:00.000000Z", "level": "INFO", "logger": "shop", "message": "paid", "order": 7}'
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in fields_of(record).items() if name not in line}
        if (error := _error_of(record)) is not None:
            line["exception"] = _trace(record, error)
        return json.dumps(line, default=str, skipkeys=True)


class TextFormatter(logging.Formatter):
    """A line for people; the ids of an attempt stand at its end, as ``key=value``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        line = self.formatMessage(record)
        line += "".join(f" {name}={value}" for name, value in fields_of(record).items())
        error = _error_of(record)
        return line if error is None else f"{line}\n{_trace(record, error)}"


def configure(log_format: str = "text", level: str | int = "WARNING", stream: TextIO | None = None) -> None:
    """Send the log of this process to ``stream`` (standard error), in this format. A second call replaces the first.

    Raises InvalidRequestError for an unknown format or level.
    """
    if log_format not in ("text", "json"):
        raise InvalidRequestError(f"the log format must be text or json, not {log_format!r}", field="log_format")
    if isinstance(level, str) and level not in logging.getLevelNamesMapping():
        known = "DEBUG, INFO, WARNING, ERROR, CRITICAL"
        raise InvalidRequestError(f"the log level must be one of {known}, not {level!r}", field="log_level")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _error_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _trace(record: logging.LogRecord, error: BaseException) -> str:
    """Where an exception came from. Tasker's own lines leave out what it says: that may quote a context or a result."""
    ours = record.name.partition(".")[0] == OURS
    return _silent(error) if ours else "".join(traceback.format_exception(error))


def _silent(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    earlier = f"{_silent(before)}\n\nand then\n\n" if before is not None else ""
    return f"{earlier}Traceback (most recent call last):\n{frames}{type(error).__module__}.{type(error).__qualname__}"
