"""API keys: how they are made, kept and found, and what is refused."""

from __future__ import annotations

import hashlib
import uuid

import pytest

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.keys import ApiKey, KeyRing, hash_key, new_key, why_weak


def test_a_key_opens_with_the_permissions_of_its_entry() -> None:
    shop, ops = new_key(), new_key()
    ring = KeyRing(
        [
            ApiKey(hash=hash_key(shop), permissions=("tasks:create",), description="shop"),
            ApiKey(hash=hash_key(ops), permissions=("tasks:*", "dlq:read")),
        ]
    )
    bearer = ring.find(shop)
    assert bearer is not None
    assert (bearer.name, bearer.kind, bearer.permissions) == ("shop", "api_key", frozenset({"tasks:create"}))
    other = ring.find(ops)
    assert other is not None
    assert other.name == "api key 2" and other.may("tasks:cancel") and not other.may("dlq:update")


@pytest.mark.parametrize(
    "change", [lambda k: k[:-1], lambda k: k + "x", lambda k: k.upper(), lambda _: "", lambda _: "ä"]
)
def test_any_other_key_opens_nothing(change: object) -> None:
    key = new_key()
    ring = KeyRing([ApiKey(hash=hash_key(key), permissions=("tasks:*",))])
    assert callable(change) and ring.find(change(key)) is None
    assert ring.find(hash_key(key)) is None, "the hash is no key"


def test_the_hash_is_sha256_of_the_key_and_the_key_is_nowhere_in_the_ring() -> None:
    key = new_key()
    assert hash_key(key) == "sha256:" + hashlib.sha256(key.encode()).hexdigest()
    entry = ApiKey(hash=hash_key(key), permissions=("tasks:read",))
    assert key not in repr(entry) + repr(vars(KeyRing([entry])))


def test_new_keys_are_long_recognisable_and_all_different() -> None:
    keys = {new_key() for _ in range(1_000)}
    assert len(keys) == 1_000
    assert all(key.startswith("tsk_") and len(key) == 47 and why_weak(key) is None for key in keys)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "secret",
        "changeme-changeme-changeme-changeme-1",
        "a" * 60 + "1",
        "correct-horse-battery-staple-correct-horse",
        "01234567890123456789012345678901234567890123456789",
        "tsk_" + "ab12" * 4,
        "x1" * 200,
        "schlüssel-9d8f7a6s5d4f3a2s1d0f9a8s7d6f",
        "9d8f7a6s5d4f3a2s 1d0f9a8s7d6f5a4s3d2f1",
    ],
)
def test_a_key_that_could_be_guessed_or_not_be_sent_gets_no_hash(key: str) -> None:
    with pytest.raises(InvalidRequestError, match="generate-api-key"):
        hash_key(key)


def test_keys_from_other_good_sources_are_welcome() -> None:
    for key in (uuid.uuid4().hex, str(uuid.uuid4()), hashlib.sha256(uuid.uuid4().bytes).hexdigest()):
        assert why_weak(key) is None


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (ApiKey(hash="tsk_plain", permissions=("tasks:read",)), "number 1: its hash must be sha256:"),
        (ApiKey(hash="sha256:" + "A" * 64, permissions=("tasks:read",)), "64 hexadecimal digits"),
        (
            ApiKey(hash="sha256:" + "a" * 64, permissions=(), description="shop"),
            r"number 1 \(shop\): it has no permissions",
        ),
        (ApiKey(hash="sha256:" + "a" * 64, permissions=("tasks:creat",)), "did you mean 'tasks:create'"),
        (ApiKey(hash="sha256:" + "a" * 64, permissions=("*",)), "would permit everything"),
    ],
)
def test_an_entry_that_is_wrong_stops_the_start_and_is_named(entry: ApiKey, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said) as caught:
        KeyRing([entry])
    assert "tsk_plain" not in str(caught.value)


def test_one_key_in_two_entries_is_refused() -> None:
    entry = ApiKey(hash="sha256:" + "a" * 64, permissions=("tasks:read",))
    with pytest.raises(InvalidRequestError, match="number 1 and number 2 are the same key"):
        KeyRing([entry, entry])
