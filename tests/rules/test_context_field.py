"""Fields of contexts: how they are named, what they are compared with, and by which texts they may be looked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.rules.context_field import ContextField, Part, read_path
from tasker_core.rules.payload import encode

leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
)
contexts = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_size=4,
)


def fields(value: Any, path: tuple[Part, ...] = ()) -> Iterator[tuple[tuple[Part, ...], Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if entries is None:
        yield path, value
        return
    for part, inner in entries:
        yield from fields(inner, (*path, part))


@given(contexts)
def test_each_field_is_found_by_its_own_value_and_a_search_for_its_texts_misses_none(context: dict[str, Any]) -> None:
    text = encode(context, "context")
    for path, value in fields(context):
        written = "".join(f"[{json.dumps(part)}]" for part in path)
        field = ContextField(read_path(written), value if isinstance(value, str) else json.dumps(value))
        assert field.path == path and field.is_in(text)
        assert all(needle in text for needle in field.needles)


@pytest.mark.parametrize(("text", "path"), [
    ("customer", ("customer",)), ("customer.id", ("customer", "id")), ("$.customer.id", ("customer", "id")),
    ("items[0].sku", ("items", 0, "sku")), ("$[0]", (0,)), ("[\"a.b\"].c", ("a.b", "c")),
    ("$[\"quote \\\" here\"]", ("quote \" here",)), ("a-b._c", ("a-b", "_c")), ("é", ("é",)), ("größe", ("größe",)),
    ("a.", None), ("a..b", None), ("a[x]", None), ("a[-1]", None), ("", None), ("$", None),
    ("a b", None), ("a[0", None), ("0a", None),
    ("[\"a]", None), ("a\"b", None), ("a'; drop table tasks; --", None), ("a." * 100 + "a", None), ("a$", None),
])  # fmt: skip
def test_a_path(text: str, path: tuple[Part, ...] | None) -> None:
    if path is None:
        with pytest.raises(ValueError, match="must"):
            read_path(text)
    else:
        assert read_path(text) == path


@pytest.mark.parametrize(("field", "value", "same"), [
    (42, "42", True), ("42", "42", True), (42, "42.0", True), (42.0, "42", True), (42, "4.2e1", True),
    (42, "042", False),
    (42, "forty", False), (42, "", False), (42, " 42", False), (2**70 + 1, str(2**70 + 1), True),
    (2**70 + 1, str(2**70), False), (0.1, "0.1", True), (1e300, "1e300", True), (1, "1e999999", False),
    (1, "9" * 5_000, False), (True, "true", True), (True, "1", False), (True, "True", False), (1, "true", False),
    (None, "null", True), (None, "", False), ("null", "null", True), ("", "", True), ({}, "{}", False),
    ([], "[]", False),
    ({"a": 1}, "1", False), (1, "nan", False), ("\u0000", "\u0000", True), ("\ud800", "x", False),
])  # fmt: skip
def test_a_value_is_taken_as_what_the_field_is(field: Any, value: str, same: bool) -> None:
    assert ContextField(("f",), value).is_in(encode({"f": field}, "context")) is same


@pytest.mark.parametrize("path", ["g", "f.g", "f[0]", "[0]", "f.f"])
def test_a_field_that_is_not_there_does_not_match(path: str) -> None:
    assert not ContextField(read_path(path), "null").is_in('{"f":"null","l":[null]}')
