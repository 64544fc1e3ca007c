"""What a user hands to the command: JSON in a file, on standard input, or in place."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tasker_core.errors import InvalidRequestError


def read_context(given: str | None) -> dict[str, Any]:
    """The task's context from a JSON file, from ``-`` (standard input), or from JSON written in place.

    Raises InvalidRequestError, with line and column, for what isn't a JSON object.
    """
    if given is None:
        return {}
    if given == "-":
        source, text = "standard input", sys.stdin.read()
    elif given.lstrip().startswith(("{", "[")):
        source, text = "--input", given
    else:
        source = given
        try:
            text = Path(given).read_text("utf-8")
        except OSError as error:
            raise InvalidRequestError(f"{given}: {error.strerror or error}", field="input") from None
        except UnicodeDecodeError as error:
            raise InvalidRequestError(f"{given}: not UTF-8 text ({error.reason})", field="input") from None
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise InvalidRequestError(
            f"{source}:{error.lineno}:{error.colno}: not JSON: {error.msg}", field="input"
        ) from None
    except _TwiceError as error:
        raise InvalidRequestError(
            f"{source}: the key {str(error)!r} stands twice in one object", field="input"
        ) from None
    if not isinstance(value, dict):
        raise InvalidRequestError(
            f"{source}: a task's context is a JSON object {{...}}, not a {type(value).__name__}", field="input"
        )
    return value


class _TwiceError(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, item in pairs:
        if key in value:
            raise _TwiceError(key)
        value[key] = item
    return value
