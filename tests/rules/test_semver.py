"""Versions, and the order in which they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.semver import newest, precedence, problem

IN_ORDER = [
    "0.0.1", "0.9.10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
    "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9.0", "1.10.0", "2.0.0-0", "2.0.0", "10.0.0",
]  # fmt: skip

numbers = st.integers(0, 12)
identifiers = numbers.map(str) | st.from_regex(r"[a-z-][a-z0-9-]{0,2}", fullmatch=True)
versions = st.builds(
    lambda major, minor, patch, parts: f"{major}.{minor}.{patch}" + (f"-{'.'.join(parts)}" if parts else ""),
    numbers, numbers, numbers, st.lists(identifiers, max_size=3),
)  # fmt: skip


def test_the_order_is_that_of_semantic_versioning() -> None:
    for earlier, later in pairwise(IN_ORDER):
        assert precedence(earlier) < precedence(later), (earlier, later)


@given(versions, versions, versions)
def test_any_versions_can_be_put_in_order(one: str, other: str, third: str) -> None:
    assert all(problem(version) is None for version in (one, other, third))
    assert (precedence(one) == precedence(other)) == (one == other)
    ordered = sorted((one, other, third), key=precedence)
    assert precedence(ordered[0]) <= precedence(ordered[2])


@given(st.lists(versions, min_size=1))
def test_the_newest_is_a_release_where_there_is_one(listed: list[str]) -> None:
    found = newest(listed, str)
    releases = [version for version in listed if "-" not in version]
    assert found in (releases or listed)
    assert all(precedence(found) >= precedence(version) for version in releases or listed)


@pytest.mark.parametrize(
    "version", ["1.0.0", "0.0.0", "1.0.0-rc.1", "1.0.0-x-y.0", "1.0.0+build.007", "1.0.0-a+b", "1.0.0-0a"]
)
def test_a_version(version: str) -> None:
    assert problem(version) is None


@pytest.mark.parametrize("version", [
    "", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.00.0", "1.0.0-", "1.0.0-a..b", "1.0.0-01", "1.0.0+", "1.0.0-a_b",
    "1.0.0 ", "latest", "١.0.0", "1.0.0\n",
])  # fmt: skip
def test_no_version(version: str) -> None:
    assert problem(version) == f"must be three numbers like 1.0.0; found {version!r}"
