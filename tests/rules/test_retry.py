"""The wait before the next attempt: its bounds, its growth, and the floor that the other side names."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.retry import LONGEST_WAIT, MILLISECOND, delay_after, growth
from tasker_core.words import RetryPolicy

BACKOFFS = ("none", "linear", "exponential", "fibonacci")

rolls = st.floats(0, 1, exclude_max=True)
failures = st.integers(1, 999_999)
policies = st.builds(
    RetryPolicy,
    backoff=st.sampled_from(BACKOFFS),
    backoff_base_ms=st.integers(0, 86_400_000),
    max_backoff_ms=st.integers(0, 86_400_000),
    jitter=st.floats(0, 1),
)


@given(policies, failures, rolls)
def test_a_wait_is_never_negative_never_over_the_maximum_and_never_over_a_day(
    policy: RetryPolicy, failures: int, roll: float
) -> None:
    assert 0 <= delay_after(policy, failures, roll) <= min(policy.max_backoff_ms * MILLISECOND, LONGEST_WAIT)


@given(policies, failures, rolls)
def test_the_jitter_moves_a_wait_by_its_share_at_most(policy: RetryPolicy, failures: int, roll: float) -> None:
    plain = delay_after(
        RetryPolicy(True, 3, policy.backoff, policy.backoff_base_ms, policy.max_backoff_ms, 0.0), failures, roll
    )
    wait = delay_after(policy, failures, roll)
    assert plain * (1 - policy.jitter) - 1 <= wait <= plain * (1 + policy.jitter) + 1


@given(policies, failures)
def test_a_higher_roll_never_waits_less(policy: RetryPolicy, failures: int) -> None:
    waits = [delay_after(policy, failures, roll / 10) for roll in range(10)]
    assert waits == sorted(waits)


@given(policies, failures, rolls, st.integers(0, 2 * LONGEST_WAIT))
def test_retry_after_is_a_floor_and_adds_fifteen_percent_at_most(
    policy: RetryPolicy, failures: int, roll: float, retry_after: int
) -> None:
    own = delay_after(policy, failures, roll)
    wait = delay_after(policy, failures, roll, retry_after)
    assert min(retry_after, LONGEST_WAIT) <= wait <= LONGEST_WAIT
    assert own <= wait <= max(own, retry_after * 1.15 + 1)


def test_retry_after_may_exceed_the_maximum_but_not_a_day() -> None:
    policy = RetryPolicy(max_backoff_ms=1_000)
    assert delay_after(policy, 1, 0.0, retry_after=60_000_000) == 60_000_000
    assert delay_after(policy, 1, 0.99, retry_after=60_000_000) <= 69_000_000
    assert delay_after(policy, 1, 0.99, retry_after=7 * LONGEST_WAIT) == LONGEST_WAIT


@pytest.mark.parametrize(
    ("backoff", "factors"),
    [
        ("none", [0, 0, 0, 0, 0, 0, 0]),
        ("linear", [1, 2, 3, 4, 5, 6, 7]),
        ("exponential", [1, 2, 4, 8, 16, 32, 64]),
        ("fibonacci", [1, 1, 2, 3, 5, 8, 13]),
    ],
)
def test_the_growth_is_the_sequence_of_its_name(backoff: str, factors: list[int]) -> None:
    assert [growth(backoff, n) for n in range(1, 8)] == factors


@given(st.sampled_from(BACKOFFS), st.integers(1, 200))
def test_growth_never_falls(backoff: str, n: int) -> None:
    assert growth(backoff, n) <= growth(backoff, n + 1)


@given(st.integers(3, 64))
def test_each_fibonacci_factor_is_the_sum_of_the_two_before(n: int) -> None:
    assert growth("fibonacci", n) == growth("fibonacci", n - 1) + growth("fibonacci", n - 2)


@given(policies, rolls)
def test_where_growth_is_no_longer_computed_on_the_maximum_is_long_reached(policy: RetryPolicy, roll: float) -> None:
    waits = [delay_after(policy, n, roll) for n in (64, 65, 1_000, 999_999)]
    assert policy.backoff == "linear" or waits == [waits[0]] * 4
    assert all(one <= other for one, other in pairwise(waits))


def test_a_silent_template_waits_about_a_second_then_doubles_up_to_half_a_minute() -> None:
    waits = [delay_after(RetryPolicy(), n, 0.5) for n in range(1, 8)]
    assert waits == [1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, 30_000_000, 30_000_000]
