"""Times as callers read them."""

from __future__ import annotations

from datetime import UTC, datetime

from tasker_core.words import Micros


def moment(at: Micros) -> str | None:
    """A stored time in ISO 8601 (UTC, microseconds); None for one that hasn't come.

    >>> moment(1_800_000_000_000_000), moment(0)
    ('2027-01-15T08:00:00.000000Z', None)
    """
    if not at:
        return None
    seconds, micros = divmod(at, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{micros:06d}Z"
