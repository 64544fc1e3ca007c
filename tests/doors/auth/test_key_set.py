"""The keys that a signer publishes, over real HTTP on loopback: fetched, kept, renewed, and bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.failure import AuthFailure, KeysUnavailableError, Reason
from tasker_core.server.auth.key_set import LARGEST_SET, KeySet, KeySetRules
from tasker_core.server.auth.tokens import TokenRules, Tokens
from tests.support.signer import Publisher, ec_signer, publisher, rsa_signer

ALGORITHMS = ("RS256", "ES256")


@pytest.fixture
def published() -> Iterator[Publisher]:
    with publisher() as state:
        yield state


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


async def settled() -> None:
    """Lets a fetch in the background come to its end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others)


def test_a_token_is_checked_with_the_key_it_names(published: Publisher) -> None:
    signers = [rsa_signer("a"), rsa_signer("b"), ec_signer("c")]
    published.publish(*[signer.as_jwk() for signer in signers])

    async def play() -> None:
        tokens = Tokens(KeySet(published.url, ALGORITHMS), TokenRules(algorithms=ALGORITHMS))
        for signer in signers:
            assert (await tokens.read(signer.token("tasks:read"))).may("tasks:read")
        lie = rsa_signer("a").token("tasks:read", headers={"kid": "b"})
        with pytest.raises(AuthFailure) as caught:
            await tokens.read(lie)
        assert caught.value.reason is Reason.INVALID

    asyncio.run(play())
    assert published.asked == ["/keys"]


def test_a_key_that_is_not_there_is_fetched_for_but_not_over_and_over(published: Publisher) -> None:
    published.publish(rsa_signer("a").as_jwk())

    async def play() -> None:
        clock = Clock()
        keys = KeySet(published.url, ALGORITHMS, monotonic=clock)
        assert await keys.find("a") is not None
        published.publish(rsa_signer("a").as_jwk(), rsa_signer("b").as_jwk())
        assert await keys.find("b") is None, "the last fetch was just now"
        clock.now += 11
        assert await keys.find("b") is not None
        for n in range(50):
            assert await keys.find(f"invented-{n}") is None
            clock.now += 0.5

    asyncio.run(play())
    assert len(published.asked) == 4, "50 invented names over 25 seconds cost two fetches"


def test_many_who_ask_at_once_cause_one_fetch(published: Publisher) -> None:
    published.publish(rsa_signer("a").as_jwk())

    async def play() -> None:
        keys = KeySet(published.url, ALGORITHMS)
        found = await asyncio.gather(*[keys.find("a") for _ in range(20)])
        assert all(found)

    asyncio.run(play())
    assert len(published.asked) == 1


def test_one_who_leaves_does_not_take_the_fetch_with_them(published: Publisher) -> None:
    published.publish(rsa_signer("a").as_jwk())

    async def play() -> None:
        keys = KeySet(published.url, ALGORITHMS)
        leaves = asyncio.create_task(keys.find("a"))
        stays = asyncio.create_task(keys.find("a"))
        await asyncio.sleep(0)
        leaves.cancel()
        assert await stays is not None

    asyncio.run(play())
    assert len(published.asked) == 1


def test_keys_are_renewed_behind_the_back_of_those_who_ask(published: Publisher) -> None:
    published.publish(rsa_signer("a").as_jwk())

    async def play() -> None:
        clock = Clock()
        keys = KeySet(published.url, ALGORITHMS, KeySetRules(refresh=100, stale=50), monotonic=clock)
        assert await keys.find("a") is not None
        published.publish(rsa_signer("b").as_jwk())
        clock.now += 101
        assert await keys.find("a") is not None, "still served while it is fetched"
        await settled()
        assert await keys.find("b") is not None
        assert await keys.find("a") is None, "a key that was withdrawn is believed no longer"

    asyncio.run(play())


@pytest.mark.parametrize("trouble", ["500", "not json", "no set", "no keys", "huge", "moved"])
def test_old_keys_serve_through_trouble_for_the_stale_time_and_no_longer(
    published: Publisher, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    published.publish(rsa_signer("a").as_jwk())
    good = published.body

    async def play() -> None:
        clock = Clock()
        keys = KeySet(published.url, ALGORITHMS, KeySetRules(refresh=100, stale=50), monotonic=clock)
        assert await keys.find("a") is not None
        match trouble:
            case "500":
                published.status = 500
            case "not json":
                published.body = b"<html>"
            case "no set":
                published.body = b"[1]"
            case "no keys":
                published.publish()
            case "huge":
                published.body = good[:-1] + b" " * LARGEST_SET + b"}"
            case "moved":
                published.status, published.headers = 302, {"Location": published.url + "/elsewhere"}
        for age in (110, 130, 149):
            clock.now = 1_000 + age
            assert await keys.find("a") is not None
            await settled()
        for age in (161, 162, 175):
            clock.now = 1_000 + age
            with pytest.raises(KeysUnavailableError):
                await keys.find("a")
        published.body, published.status, published.headers = good, 200, {}
        clock.now += 20
        assert await keys.find("a") is not None

    with caplog.at_level(logging.WARNING):
        asyncio.run(play())
    assert "can't be fetched" in caplog.text
    assert "/keys/elsewhere" not in published.asked


def test_a_signer_that_is_not_there_is_no_fault_of_the_caller() -> None:
    with publisher() as state:
        gone = state.url

    async def play() -> None:
        with pytest.raises(KeysUnavailableError):
            await KeySet(gone, ALGORITHMS).find("a")

    asyncio.run(play())


def test_entries_that_are_not_for_checking_signatures_are_left_out(published: Publisher) -> None:
    published.publish(
        rsa_signer("enc").as_jwk(use="enc"),
        rsa_signer("weak", bits=1_024).as_jwk(),
        rsa_signer("other-alg").as_jwk(alg="RS512"),
        {"kty": "oct", "kid": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        {"kty": "EC", "kid": "off", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kid": "nothing"},
        rsa_signer("good").as_jwk(alg=None, use=None),
    )

    async def play() -> None:
        keys = KeySet(published.url, ALGORITHMS)
        assert await keys.find("good") is not None
        for kid in ("enc", "weak", "other-alg", "oct", "broken", "off", "nothing"):
            assert await keys.find(kid) is None
        assert await keys.find(None) is not None, "the only key needs no name"

    asyncio.run(play())


def test_a_token_without_a_key_name_is_refused_where_there_are_several(published: Publisher) -> None:
    published.publish(rsa_signer("a").as_jwk(), rsa_signer("b").as_jwk())

    async def play() -> None:
        assert await KeySet(published.url, ALGORITHMS).find(None) is None

    asyncio.run(play())


@pytest.mark.parametrize(
    "url",
    ["http://idp.example/keys", "ftp://idp.example/keys", "file:///etc/passwd", "keys", "", "https:///keys",
     "http://localhost.example/keys", "https://me:pw@idp.example/keys"],
)  # fmt: skip
def test_a_url_that_others_could_answer_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError, match="jwks_url") as caught:
        KeySet(url, ALGORITHMS)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "192.168.1.1", "169.254.169.254", "[fd00::1]", "[::ffff:10.0.0.1]", "0.0.0.0"]
)
def test_an_address_inside_a_network_is_not_asked_unless_that_is_wanted(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def play() -> None:
        with pytest.raises(KeysUnavailableError):
            await KeySet(f"https://{host}:9/keys", ALGORITHMS).find("a")

    with caplog.at_level(logging.WARNING):
        asyncio.run(play())
    assert "jwks_private_addresses" in caplog.text
