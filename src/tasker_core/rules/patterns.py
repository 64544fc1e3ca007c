"""Names of events, asked for with ``*``, ``?`` and ``[...]`` as in file names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

LONGEST_PATTERN = 255
PATTERN = r"^[a-z0-9_.*?\[\]!-]+$"
_PATTERN = re.compile(PATTERN.strip("^$"))


def wrong_with(pattern: str) -> str | None:
    """What is wrong with a pattern that somebody asks with, or None.

    >>> wrong_with("payment.*") is None
    True
    >>> wrong_with("Payment.*")
    "'Payment.*' fits no event: their names are lower-case letters, digits, _ and dots; *, ? and [...] stand for others"
    """
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN or not _PATTERN.fullmatch(pattern):
        return (
            f"{pattern!r:.300} fits no event: their names are lower-case letters, digits, _ and dots; "
            "*, ? and [...] stand for others"
        )
    return None


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether ``name`` is asked for by one of ``patterns``; without any, everything is."""
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def like(patterns: Sequence[str]) -> str | None:
    """A pattern of SQL's LIKE, with ``\\`` as its escape, that everything fits which fits ``patterns``; None for none.

    What it lets through is to be asked again with :func:`fits`.

    >>> print(like(["payment_*.done"]))
    payment\\_%.done
    """
    if len(patterns) != 1 or patterns[0] == "*":
        return None
    plain = re.sub(r"\[.*?\]", "?", patterns[0])
    return re.sub(r"[%_\\]", r"\\\g<0>", plain).replace("*", "%").replace("?", "_")
