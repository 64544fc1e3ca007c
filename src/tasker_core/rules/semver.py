"""Versions as Semantic Versioning 2.0.0 orders them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

LATEST = "latest"
"""What stands for the newest version where a task is created."""

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PART = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
PATTERN = (
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_PART}(?:\.{_PART})*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_SEMVER = re.compile(PATTERN)

Precedence: TypeAlias = tuple[Any, ...]


def problem(version: str) -> str | None:
    """What is wrong with ``version``, to be read after its name; None for a version.

    >>> problem("1.0.0-rc.1"), problem("1.0")
    (None, "must be three numbers like 1.0.0; found '1.0'")
    """
    if _SEMVER.fullmatch(version):
        return None
    return f"must be three numbers like 1.0.0; found {version!r}"


def is_prerelease(version: str) -> bool:
    match = _SEMVER.fullmatch(version)
    return match is not None and match[4] is not None


def precedence(version: str) -> Precedence:
    """A key to sort versions by: 1.0.0-rc.1 comes before 1.0.0, and 1.10.0 after 1.9.0.

    What follows a + doesn't count but between otherwise equal ones, as text. What is no version comes before all.

    >>> sorted(["1.10.0", "1.9.0", "1.10.0-rc.2", "1.10.0-rc.10"], key=precedence)
    ['1.9.0', '1.10.0-rc.2', '1.10.0-rc.10', '1.10.0']
    """
    match = _SEMVER.fullmatch(version)
    if match is None:
        return (-1, version)
    major, minor, patch, before, build = match.groups()
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in (before or "").split(".") if part)
    return (int(major), int(minor), int(patch), before is None, parts, build or "")


def newest(things: Iterable[T], version_of: Callable[[T], str]) -> T:
    """The thing of the highest version; one before its release only where there is no release at all.

    >>> newest(["1.2.0", "2.0.0-rc.1", "1.10.0"], str)
    '1.10.0'
    """
    listed = list(things)
    releases = [thing for thing in listed if not is_prerelease(version_of(thing))]
    return max(releases or listed, key=lambda thing: precedence(version_of(thing)))
