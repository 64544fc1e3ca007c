"""What a pattern of a case matches, and what its values stand for."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.patterns import mismatch
from protocol.values import CaseError, Names


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ({"a": 1}, {"a": 1, "more": 2}),
        ([{"a": 1}, 2], [{"a": 1, "b": 2}, 2.0]),
        ({"$exactly": {"a": [1]}}, {"a": [1]}),
        ({"$one_of": [1, {"$type": "text"}]}, "x"),
        ({"$all": [{"$type": "list"}, {"$length": 2}]}, [1, 2]),
        ({"$contains": {"a": 1}}, [{"a": 2}, {"a": 1, "b": 3}]),
        ({"$each": {"$at_least": 1}}, [1, 2]),
        ({"$not": 1}, 2),
        ({"$regex": "^a"}, "ab"),
        ({"a": {"$absent": True}}, {"b": 1}),
        ({"$type": "uuid"}, "019ab1f2-7a3e-7c55-b1c2-0242ac120002"),
        (9007199254740993, 9007199254740993),
    ],
)
def test_a_pattern_matches(pattern: Any, value: Any) -> None:
    assert mismatch(pattern, value) is None


@pytest.mark.parametrize(
    ("pattern", "value", "where"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b: 2 instead of 1"),
        ({"a": 1}, {}, "no 'a'"),
        ([1], [1, 2], "no list of 1"),
        ([1, {"b": 2}], [1, {"b": 3}], "1.b: 3 instead of 2"),
        ({"$exactly": {"a": 1}}, {"a": 1, "b": 2}, "not exactly"),
        ({"$each": 1}, [1, 2], "1: 2 instead of 1"),
        ({"a": {"$absent": True}}, {"a": None}, "a: is there"),
        ({"$type": "integer"}, True, "no integer"),
        (1, True, "True instead of 1"),
        (None, False, "False instead of None"),
        # As doubles these would be equal.
        (9007199254740993, 9007199254740992, "instead of"),
        ({"$exactly": {"n": 10**30 + 1}}, {"n": 10**30}, "not exactly"),
        ({"$exactly": {"n": 9007199254740993}}, {"n": 9007199254740993.0}, "not exactly"),
    ],
)
def test_a_pattern_tells_what_is_wrong(pattern: Any, value: Any, where: str) -> None:
    assert where in (mismatch(pattern, value) or "")


def test_a_pattern_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no pattern is called"):
        mismatch({"$loks_like": 1}, 1)


def test_values_of_a_case() -> None:
    names = Names(claimed={"leases": [{"lease_id": "7.1"}]})
    assert names.fill("$claimed.leases.0.lease_id") == "7.1"
    assert names.fill({"path": "/v1/leases/${claimed.leases.0.lease_id}/fail"}) == {"path": "/v1/leases/7.1/fail"}
    assert names.fill(["$uuid.a", "$uuid.b"]) == [names["uuid"]["a"], names["uuid"]["b"]]
    assert names["uuid"]["a"] != names["uuid"]["b"]
    assert names.fill({"$text": "ab", "times": 2}) == "abab"
    assert names.fill({"$list": "$uuid.a", "times": 2}) == [names["uuid"]["a"]] * 2
    assert names.fill({"$nested": 2}) == [{"in": "deep"}]
    assert names.fill("a price of 5$") == "a price of 5$"
    with pytest.raises(CaseError, match=r"\$claimed\.lease: there is no 'lease' \(there is: leases\)"):
        names.fill("$claimed.lease")
