"""What a user hands to the command: JSON in a file, on standard input, or in place."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from tasker_core.errors import InvalidRequestError
from tasker_core.rules.payload import parse

_IN_PLACE = re.compile(r'\s*([{\["]|-?\d+(\.\d+)?([eE][-+]?\d+)?\s*$|(true|false|null)\s*$)')


def read_context(given: str | None) -> dict[str, Any]:
    """The task's context from a JSON file, from ``-`` (standard input), or from JSON written in place.

    Raises InvalidRequestError, with line and column, for what isn't a JSON object.
    """
    return {} if given is None else read_object(given, "input", "a task's context")


def read_object(given: str, option: str, what: str) -> dict[str, Any]:
    """The object that ``--option`` gives, like ``read_context``; ``what`` names it in errors."""
    source, value = _read(given, option)
    if not isinstance(value, dict):
        text = f"{source}: {what} is a JSON object {{...}}, not a {type(value).__name__}"
        raise InvalidRequestError(text, field=option)
    return value


def read_value(given: str, option: str) -> Any:
    """Whatever JSON ``--option`` gives, like ``read_context``."""
    return _read(given, option)[1]


def _read(given: str, option: str) -> tuple[str, Any]:
    """Where it stood, and the value."""
    if given == "-":
        source, text = "standard input", sys.stdin.read()
    elif _IN_PLACE.match(given):
        source, text = f"--{option}", given
    else:
        source = given
        try:
            text = Path(given).read_text("utf-8")
        except OSError as error:
            raise InvalidRequestError(f"{given}: {error.strerror or error}", field=option) from None
        except UnicodeDecodeError as error:
            raise InvalidRequestError(f"{given}: not UTF-8 text ({error.reason})", field=option) from None
    return source, parse(text, source, field=option)
