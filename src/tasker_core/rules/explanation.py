"""Why a task isn't finished, as a value: for each unfinished step one reason out of a closed set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from tasker_core.words import Micros

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReasonKind(StrEnum):
    """Every reason for which a step can be unfinished."""

    WAITS_FOR_PARENTS = "waits_for_parents"
    WAITS_FOR_RETRY = "waits_for_retry"
    WAITS_FOR_PLACE = "waits_for_place"
    WAITS_IN_QUEUE = "waits_in_queue"
    TASK_PAUSED = "task_paused"
    NAMESPACE_PAUSED = "namespace_paused"
    LIMIT_REACHED = "limit_reached"
    BREAKER_OPEN = "breaker_open"
    NO_WORKER = "no_worker"
    IN_PROGRESS = "in_progress"
    WORKER_LOST = "worker_lost"
    BLOCKED_BY_FAILURE = "blocked_by_failure"
    STUCK = "stuck"
    """A state that Tasker never leaves a step in: the store was changed by other hands, or Tasker has a bug."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, in a sentence, since when (microseconds since the epoch), and the same in parts for programs."""

    kind: ReasonKind
    text: str
    since: Micros
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnfinishedStep:
    """A step that may still run, and why it hasn't."""

    no: int
    name: str
    state: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that failed for good: its last error, after how many attempts of how many, when, and why no more."""

    step: str
    error_type: str
    message: str
    attempts: int
    max_attempts: int
    at: Micros
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a task waits for, or why it came to rest; ``advice`` is what an operator can do about it.

    Of the instances of batches, of which there may be very many, only some are told; ``left_out`` counts the others.

    >>> why = Explanation("t-1", "steps_in_process", "1 step waits for a worker", 0)
    >>> Explanation.from_dict(why.as_dict()) == why
    True
    """

    task_uuid: str
    state: str
    text: str
    since: Micros
    steps: Sequence[UnfinishedStep] = ()
    failures: Sequence[Failure] = ()
    advice: Sequence[str] = ()
    left_out: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The explanation as JSON-able values; times are in ISO 8601 (UTC)."""
        return {
            "task_uuid": self.task_uuid,
            "state": self.state,
            "text": self.text,
            "since": iso(self.since),
            "steps": [
                {
                    "no": step.no, "name": step.name, "state": step.state, "kind": str(step.reason.kind),
                    "text": step.reason.text, "since": iso(step.reason.since), "details": dict(step.reason.details),
                }
                for step in self.steps
            ],
            "failures": [
                {
                    "step": f.step, "error_type": f.error_type, "message": f.message, "attempts": f.attempts,
                    "max_attempts": f.max_attempts, "at": iso(f.at), "verdict": f.verdict,
                }
                for f in self.failures
            ],
            "advice": list(self.advice),
            "left_out": self.left_out,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Explanation:
        """The explanation that ``as_dict`` wrote."""
        return cls(
            data["task_uuid"],
            data["state"],
            data["text"],
            micros(data["since"]),
            tuple(
                UnfinishedStep(
                    step["no"],
                    step["name"],
                    step["state"],
                    Reason(ReasonKind(step["kind"]), step["text"], micros(step["since"]), step["details"]),
                )
                for step in data["steps"]
            ),
            tuple(Failure(**{**failure, "at": micros(failure["at"])}) for failure in data["failures"]),
            tuple(data["advice"]),
            data.get("left_out", 0),
        )


@lru_cache(maxsize=4_096)
def iso(at: Micros) -> str:
    """A time in ISO 8601, to the microsecond.

    >>> iso(1_800_000_000_000_000)
    '2027-01-15T08:00:00.000000Z'
    """
    return f"{EPOCH + timedelta(microseconds=at):%Y-%m-%dT%H:%M:%S.%f}Z"


@lru_cache(maxsize=4_096)
def micros(text: str) -> Micros:
    """The time that ``iso`` wrote."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def at(time: Micros) -> str:
    """A time for people, to the second.

    >>> at(1_800_000_000_999_999)
    '2027-01-15 08:00:00 UTC'
    """
    return f"{EPOCH + timedelta(microseconds=time):%Y-%m-%d %H:%M:%S} UTC"


def span(length: Micros) -> str:
    """A length of time for people.

    >>> [span(n * 1_000_000) for n in (0.2, 59, 61, 7_300, 200_000)]
    ['0.2 s', '59 s', '1 min 1 s', '2 h 1 min', '2 d 7 h']
    """
    seconds = max(0, length) / 1_000_000
    if seconds < 10:
        return f"{round(seconds, 1):g} s"
    whole = round(seconds)
    for unit, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], most=2)
    ('a', 'a, b and c', 'a, b and 2 more')
    """
    shown, left = list(names[:most]), len(names) - most
    if left > 0:
        shown.append(f"{left:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def counted(n: int, noun: str) -> str:
    """A number of things in a sentence.

    >>> counted(1, "step"), counted(1_000, "step")
    ('1 step', '1,000 steps')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
