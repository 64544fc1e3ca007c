"""How long a failed step waits before it runs again."""

from __future__ import annotations

from tasker_core.words import Micros, RetryPolicy

MILLISECOND: Micros = 1_000
LONGEST_WAIT: Micros = 24 * 3_600 * 1_000_000
RETRY_AFTER_SPREAD = 0.15
MOST_GROWTH = 64
"""Failures after which a delay has long met any maximum: from there it needn't be computed on."""


def growth(backoff: str, failures: int) -> int:
    """The factor f(n) of the base delay after the ``failures``-th failed attempt (n >= 1).

    >>> [growth("fibonacci", n) for n in (1, 2, 3, 4, 5)]
    [1, 1, 2, 3, 5]
    >>> growth("exponential", 4), growth("linear", 4), growth("none", 4)
    (8, 4, 0)
    """
    match backoff:
        case "none":
            return 0
        case "linear":
            return failures
        case "fibonacci":
            previous, current = 0, 1
            for _ in range(min(failures, MOST_GROWTH) - 1):
                previous, current = current, previous + current
            return current
        case _:
            return 1 << (min(failures, MOST_GROWTH) - 1)


def delay_after(policy: RetryPolicy, failures: int, roll: float, retry_after: Micros | None = None) -> Micros:
    """The wait after the ``failures``-th failed attempt, in microseconds.

    min(max_backoff, base x f(n)), times a factor between 1 - jitter and 1 + jitter, never over the maximum. ``roll``
    in [0, 1) picks the factor. ``retry_after`` (microseconds) is a floor that the other side named: the wait is never
    shorter, at most 15 % longer, and at most 24 hours.

    >>> delay_after(RetryPolicy(backoff_base_ms=100, jitter=0.0), 3, 0.5)
    400000
    """
    ceiling = policy.max_backoff_ms * MILLISECOND
    plain = min(ceiling, policy.backoff_base_ms * growth(policy.backoff, failures) * MILLISECOND)
    wait = min(ceiling, round(plain * (1 - policy.jitter + 2 * policy.jitter * roll)))
    if retry_after is not None:
        wait = max(wait, round(retry_after * (1 + RETRY_AFTER_SPREAD * roll)))
    return min(wait, LONGEST_WAIT)
