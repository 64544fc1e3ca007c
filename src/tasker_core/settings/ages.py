"""Lengths of time as people write them."""

from __future__ import annotations

from tasker_core.clock import SECOND
from tasker_core.errors import InvalidRequestError
from tasker_core.words import Micros

UNITS: dict[str, Micros] = {"s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": 86_400 * SECOND}
UNITS["w"] = 7 * UNITS["d"]


def age(text: str, name: str) -> Micros:
    """The length of time that ``text`` names, in microseconds: 90d, 12h, 30m, 45s, 2w.

    Raises InvalidRequestError, naming the setting or option ``name``, for anything else.

    >>> age("1d", "--older-than") // 1_000_000
    86400
    """
    number, unit = text[:-1].strip(), text[-1:].lower()
    if not (number.isascii() and number.isdigit() and int(number) and unit in UNITS):
        raise InvalidRequestError(f"{name} must be a length of time like 90d, 12h, 30m or 2w, not {text!r}", field=name)
    return int(number) * UNITS[unit]
