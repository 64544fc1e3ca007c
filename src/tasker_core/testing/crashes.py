"""A worker that dies at one of its commits, and what mustn't differ when one did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

End: TypeAlias = Mapping[str, Any]
"""How a task ended: its state, that of each step, and each value in their results, by what it is."""


class Crash(NamedTuple):
    """The worker dies at its commit number ``commit``, counted from 1: before it, or after it with the answer lost.

    >>> print(Crash(3, committed=True))
    a crash after commit 3
    """

    commit: int
    committed: bool

    def __str__(self) -> str:
        return f"a crash {'after' if self.committed else 'before'} commit {self.commit}"


class Crashed(Exception):
    """The worker has died."""


def everywhere(commits: int) -> list[Crash]:
    """Each crash that a run of so many commits can have."""
    return [Crash(no, committed) for no in range(1, commits + 1) for committed in (False, True)]


def differences(expected: Sequence[End], ends: Sequence[End], steady: Sequence[End]) -> list[str]:
    """What ended otherwise than ``expected``, a line each.

    ``steady`` is another undisturbed play: what differs between the two anyway, an id or a time say, isn't compared.
    """
    if len(ends) != len(expected):
        return [f"there are {len(ends)} tasks instead of {len(expected)}"]
    if len(steady) != len(expected):
        return []
    told: list[str] = []
    for no, (wanted, got, other) in enumerate(zip(expected, ends, steady, strict=True), 1):
        task = f"task {no}, " if len(ends) > 1 else ""
        for what in dict.fromkeys([*wanted, *got]):
            if wanted.get(what) != got.get(what) and wanted.get(what) == other.get(what):
                told.append(f"{task}{what}: {got.get(what)!r} instead of {wanted.get(what)!r}")
    return told
