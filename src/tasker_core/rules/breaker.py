"""What the ends of attempts mean for the breakers of their handlers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tasker_core.words import Ending, LeaseKey, Micros, Outcome

FOR_EVER: Micros = 2**62
"""When the probe of a breaker comes that a person has opened."""


class BreakerPolicy(NamedTuple):
    """After how many retryable failures in a row a breaker opens, 0 is never, and how long it stays open before one
    step may try (microseconds)."""

    failures: int = 0
    open_for: Micros = 30_000_000


NO_BREAKERS = BreakerPolicy()


@dataclass(slots=True)
class Notes:
    """What a batch of ends has to say: the handlers of which one ended well, by their lanes; the failures in a row at
    the end; the ends of what may be a probe, and whether they were good."""

    good: set[str] = field(default_factory=set)
    failed: list[tuple[str, LeaseKey]] = field(default_factory=list)
    probes: list[tuple[str, LeaseKey, bool]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.good or self.failed or self.probes)

    @property
    def lanes(self) -> list[str]:
        lanes = self.good.union(lane for lane, _ in self.failed).union(lane for lane, _, _ in self.probes)
        return sorted(lanes)


def is_good(outcome: Outcome) -> bool | None:
    """Did this end show that the handler works? A permanent failure did: it found out that something is as it is. None
    where it shows nothing: the worker was lost, or the step handed back."""
    match outcome.ending:
        case Ending.OK | Ending.YIELDED:
            return True
        case Ending.FAILED | Ending.TIMED_OUT:
            return outcome.error is not None and not outcome.error.retryable
        case _:
            return None


def take_notes(ends: Iterable[tuple[str, Outcome]], failing: Collection[str], broken: Collection[str]) -> Notes:
    """What (lane, outcome) of a batch, in their order, mean for breakers.

    ``failing`` are the lanes of which something failed last, ``broken`` those whose breaker isn't closed; others have
    nothing to say but failures.
    """
    notes = Notes()
    for lane, outcome in ends:
        good = is_good(outcome)
        if good is None:
            continue
        if lane in broken:
            notes.probes.append((lane, outcome.key, good))
        elif not good:
            notes.failed.append((lane, outcome.key))
        elif lane in failing or any(lane == other for other, _ in notes.failed):
            notes.good.add(lane)
            notes.failed = [each for each in notes.failed if each[0] != lane]
    return notes
