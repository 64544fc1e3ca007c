"""The table of permissions, what may be granted, and what is masked for whom."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.server.permissions import PERMISSIONS, RESOURCES, granted, why_unknown
from tasker_core.server.redaction import MASK, REDACTED_KEYS, redaction

ROOT = Path(__file__).parents[3]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(REDACTED_KEYS), inner, max_size=3)
    ),
    max_leaves=10,
)


def test_every_permission_is_a_resource_and_an_action_with_a_meaning() -> None:
    for permission, meaning in PERMISSIONS.items():
        assert re.fullmatch(r"[a-z]+:[a-z_]+", permission)
        assert meaning and not meaning.endswith(".")


def test_the_reference_lists_the_table() -> None:
    document = (ROOT / "docs" / "reference" / "permissions.md").read_text()
    assert dict(re.findall(r"^\| `([a-z_:]+)` \| (.*) \|$", document, re.MULTILINE)) == dict(PERMISSIONS)


@pytest.mark.parametrize(
    "permission", ["*", "*:*", "*:read", "tasks:", "tasks", ":read", "tasks:r*", "cats:*", "TASKS:*"]
)
def test_what_is_not_in_the_table_is_unknown_and_permits_nothing(permission: str) -> None:
    assert why_unknown(permission) is not None
    assert granted([permission]) == frozenset()


@pytest.mark.parametrize("resource", sorted(RESOURCES))
def test_a_wildcard_permits_all_of_its_resource_and_nothing_else(resource: str) -> None:
    assert why_unknown(f"{resource}:*") is None
    assert granted([f"{resource}:*"]) == {each for each in PERMISSIONS if each.split(":")[0] == resource}


def test_a_wildcard_of_workers_is_none_of_worker() -> None:
    assert "worker:run" not in granted(["workers:*"])
    assert "workers:read" not in granted(["worker:*"])


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "access_token",
        "accessToken",
        "PASSWORD",
        "client-secret",
        "Authorization",
        "card",
        "cardNumber",
        "pass word",
    ],
)
def test_a_key_that_contains_a_secret_word_is_masked_whatever_is_below_it(key: str) -> None:
    for value in ("4111", 7, None, [1, 2], {"deep": {"deeper": 1}}):
        assert redaction()({"a": [{key: value, "b": 1}]}) == {"a": [{key: MASK, "b": 1}]}


def test_words_of_ones_own_replace_the_default_and_none_mask_nothing() -> None:
    value = {"iban": "DE", "token": "t"}
    assert redaction(["IBAN"])(value) == {"iban": MASK, "token": "t"}
    assert redaction([])(value) == redaction(["", "_"])(value) == value


@given(JSON)
def test_masking_keeps_the_shape_hides_what_it_should_and_changes_nothing_in_place(value: object) -> None:
    before = repr(value)
    masked = redaction()(value)
    assert repr(value) == before
    _compare(value, masked)
    assert redaction()(masked) == masked


def _compare(value: object, masked: object) -> None:
    if isinstance(value, dict):
        assert isinstance(masked, dict) and list(masked) == list(value)
        for key, inner in value.items():
            if any(word in key.lower() for word in REDACTED_KEYS):
                assert masked[key] == MASK
            else:
                _compare(inner, masked[key])
    elif isinstance(value, list):
        assert isinstance(masked, list) and len(masked) == len(value)
        for inner, shown in zip(value, masked, strict=True):
            _compare(inner, shown)
    else:
        assert masked == value


@pytest.mark.parametrize("module", ["permissions", "redaction", "auth.keys", "auth.addresses", "auth.binding"])
def test_the_examples_in_docstrings_are_true(module: str) -> None:
    played = doctest.testmod(importlib.import_module(f"tasker_core.server.{module}"))
    assert played.attempted and not played.failed
