"""What a user hands to the command: JSON in a file, on standard input, or in place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tasker_core.errors import InvalidRequestError
from tasker_core.rules.payload import parse


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
    value = parse(text, source, field="input")
    if not isinstance(value, dict):
        raise InvalidRequestError(
            f"{source}: a task's context is a JSON object {{...}}, not a {type(value).__name__}", field="input"
        )
    return value
