"""Log lines with fields, for handlers and applications, through Python's own ``logging``.

The lines go to the logger ``tasker_core.app``. Where they end, in which form and from which level on, is up to the
application, as with any logger.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypeAlias

from tasker_core.types import LogContext

__all__ = ["log_debug", "log_error", "log_info", "log_trace", "log_warn"]

Fields: TypeAlias = Mapping[str, Any] | LogContext | None

TRACE = 5
"""The level of ``log_trace``, below DEBUG."""

OWN_LOGGERS = ("tasker", "tasker_core")

log = logging.getLogger("tasker_core.app")
logging.addLevelName(TRACE, "TRACE")

_TAKEN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""What a log record calls its own parts; ``logging`` refuses fields of these names."""


def log_error(message: str, fields: Fields = None) -> None:
    """Something failed that somebody should look at.

    Args:
        message: what happened, for people.
        fields: what it was about, as a mapping or a ``LogContext``. A field that is called like a part of a log record
            (``name``, ``message`` ...) gets an underscore at its end.

    >>> log_error("charge refused", {"order": 7})
    """
    _log(logging.ERROR, message, fields)


def log_warn(message: str, fields: Fields = None) -> None:
    """Something is odd, and the work goes on. ``fields`` as for :func:`log_error`."""
    _log(logging.WARNING, message, fields)


def log_info(message: str, fields: Fields = None) -> None:
    """Something happened that operators want to know. ``fields`` as for :func:`log_error`."""
    _log(logging.INFO, message, fields)


def log_debug(message: str, fields: Fields = None) -> None:
    """Something that helps to find a fault. ``fields`` as for :func:`log_error`."""
    _log(logging.DEBUG, message, fields)


def log_trace(message: str, fields: Fields = None) -> None:
    """Something that only helps whoever reads the code beside it. ``fields`` as for :func:`log_error`."""
    _log(TRACE, message, fields)


def set_level(name: str) -> None:
    """From which level on Tasker's own loggers speak: trace, debug, info, warn or error."""
    level = {"trace": TRACE, "debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING}.get(name)
    for logger in OWN_LOGGERS:
        logging.getLogger(logger).setLevel(logging.ERROR if level is None else level)


def _log(level: int, message: str, fields: Fields) -> None:
    if log.isEnabledFor(level):
        given = fields.to_fields() if isinstance(fields, LogContext) else fields or {}
        extra = {f"{name}_" if name in _TAKEN else str(name): value for name, value in given.items()}
        # Told as an argument, so that a per cent sign in the message is only that.
        log.log(level, "%s", message, extra=extra, stacklevel=3)
