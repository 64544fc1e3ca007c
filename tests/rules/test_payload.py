"""Payloads: encoded once, refused with the place of what JSON can't hold, compared whatever the order of their keys."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.errors import InvalidRequestError, PayloadError
from tasker_core.rules.payload import DEEPEST_PAYLOAD, LARGEST_PAYLOAD, decode, digest, encode

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
keys = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=5)
paths = st.lists(keys | st.integers(0, 3), min_size=1, max_size=6)


@given(values)
def test_a_value_comes_back_as_it_went_in(value: Any) -> None:
    text = encode(value, "context")
    assert text.isascii() and "\x00" not in text
    assert decode(text) == value


@given(st.dictionaries(st.text(), scalars, max_size=8))
def test_the_order_of_keys_is_kept(value: dict[str, Any]) -> None:
    assert list(decode(encode(value, "context"))) == list(value)


@given(st.dictionaries(st.text(), values, max_size=6), st.randoms())
def test_the_digest_knows_no_order_of_keys(value: dict[str, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert digest(dict(items)) == digest(value)


@given(values, values)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) == same


@given(paths, st.sampled_from([math.nan, math.inf, -math.inf, b"raw", {1, 2}, 1j, object()]))
def test_an_error_names_the_place_of_the_culprit(path: list[str | int], culprit: Any) -> None:
    with pytest.raises(PayloadError) as caught:
        encode(_at(path, culprit), "context")
    place = "".join(f"[{part!r}]" for part in path)
    assert str(caught.value).startswith(f"the context can't be written as JSON: {place} is ")


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"total": Decimal("9.99")}, "['total'] is a Decimal; convert it to text, a number, a list or a dict"),
        ({"at": datetime(2027, 1, 1, tzinfo=UTC)}, "['at'] is a datetime"),
        ({"rate": math.nan}, "['rate'] is nan, which JSON doesn't know"),
        ({"lines": [{"qty": 1}, {"qty": math.inf}]}, "['lines'][1]['qty'] is inf"),
        ({("a", "b"): 1}, "it has a key that is a tuple"),
        (object(), "it is a object"),
        ({"huge": 10**5_000}, "integer string conversion"),
    ],
)
def test_what_json_does_not_know_is_refused_in_plain_words(value: Any, complaint: str) -> None:
    with pytest.raises(PayloadError) as caught:
        encode(value, "result of step 'pay'")
    assert complaint in str(caught.value)
    assert "result of step 'pay'" in str(caught.value)


def test_a_payload_error_is_an_invalid_request_and_a_value_error() -> None:
    with pytest.raises(InvalidRequestError):
        encode({1, 2}, "context")
    with pytest.raises(ValueError, match="set"):
        encode({1, 2}, "context")


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(PayloadError, match="contains itself"):
        encode({"loop": loop}, "context")


@given(st.integers(0, 2_000))
def test_the_size_is_counted_in_bytes_of_the_json(size: int) -> None:
    text = "x" * size
    if size + 2 <= 1_000:
        assert len(encode(text, "context", largest=1_000)) == size + 2
    else:
        with pytest.raises(PayloadError, match=r"bytes as JSON; at most 1,000 are kept"):
            encode(text, "context", largest=1_000)


def test_a_mebibyte_is_kept_and_one_byte_more_is_not() -> None:
    assert len(encode("x" * (LARGEST_PAYLOAD - 2), "result")) == LARGEST_PAYLOAD
    with pytest.raises(PayloadError, match="1,048,577 bytes"):
        encode("x" * (LARGEST_PAYLOAD - 1), "result")


@given(st.integers(1, 130), st.booleans())
def test_the_depth_is_counted_in_levels(levels: int, lists: bool) -> None:
    value: Any = 1
    for _ in range(levels):
        value = [value] if lists else {"in": value}
    if levels <= DEEPEST_PAYLOAD:
        assert decode(encode(value, "context")) == value
    else:
        with pytest.raises(PayloadError, match="nested deeper than 100 levels"):
            encode(value, "context")


def test_many_brackets_side_by_side_are_not_deep() -> None:
    wide = {"rows": [{"cells": [[], {}]} for _ in range(1_000)], "text": "[" * 500}
    assert decode(encode(wide, "context")) == wide


def test_a_bottomless_value_is_refused_without_exhausting_the_stack() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(PayloadError, match="nested"):
        encode(value, "context")


def _at(path: list[str | int], culprit: Any) -> Any:
    """A value that holds ``culprit`` at ``path`` and harmless things beside it."""
    value = culprit
    for part in reversed(path):
        value = {"": 0, part: value} if isinstance(part, str) else [*range(part), value, "behind"]
    return value
