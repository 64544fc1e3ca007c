"""Tokens: good ones in, forged, stale and strange ones out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from hypothesis import given
from hypothesis import strategies as st

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.failure import AuthFailure, Reason
from tasker_core.server.auth.issuing import key_pair, sign_token
from tasker_core.server.auth.principal import Principal
from tasker_core.server.auth.signers import OneSigner, public_key, shared_secret
from tasker_core.server.auth.tokens import TokenRules, Tokens
from tests.support.signer import Signer, ec_signer, fair_claims, rsa_signer, unsigned

SECRET = "3kJ9vQ2mXw7Zr5Tn8Lp1Yb4Hd6Gf0Sc-not-of-this-world"


def read(token: str, signer: Signer | None = None, **rules: Any) -> Principal:
    signer = signer or rsa_signer()
    tokens = Tokens(OneSigner(public_key(signer.public_pem)), TokenRules(algorithms=("RS256", "ES256"), **rules))
    return asyncio.run(tokens.read(token))


def refusal(token: str, **rules: Any) -> AuthFailure:
    with pytest.raises(AuthFailure) as caught:
        read(token, **rules)
    return caught.value


@pytest.mark.parametrize("make", [rsa_signer, ec_signer])
def test_a_token_of_the_signer_is_believed(make: Callable[[], Signer]) -> None:
    bearer = read(make().token("tasks:*", "dlq:read"), make())
    assert (bearer.name, bearer.kind) == ("shop", "token")
    assert bearer.may("tasks:cancel") and bearer.may("dlq:read") and not bearer.may("dlq:update")


def test_a_shared_secret_signs_too() -> None:
    tokens = Tokens(OneSigner(shared_secret(SECRET)), TokenRules(algorithms=("HS256",)))
    token = sign_token(["tasks:read"], subject="shop", lifetime=60, secret=SECRET)
    assert asyncio.run(tokens.read(token)).permissions == {"tasks:read"}
    with pytest.raises(AuthFailure) as caught:
        asyncio.run(tokens.read(sign_token(["tasks:read"], subject="shop", lifetime=60, secret=SECRET[::-1])))
    assert caught.value.reason is Reason.INVALID


def test_permissions_may_be_one_text_and_have_another_name() -> None:
    token = rsa_signer().token(permissions=None, scope="tasks:read  dlq:*")
    assert read(token, permissions_claim="scope").permissions >= {"tasks:read", "dlq:stats"}
    assert read(rsa_signer().token(permissions=None)).permissions == frozenset()


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW - 1}, Reason.EXPIRED),
        ({"exp": None}, Reason.INVALID),
        ({"exp": "tomorrow"}, Reason.MALFORMED),
        ({"nbf": NOW + 3_600}, Reason.INVALID),
        ({"nbf": [1]}, Reason.MALFORMED),
        ({"iat": NOW + 3_600}, Reason.INVALID),
        ({"iss": "somebody"}, Reason.INVALID),
        ({"iss": None}, Reason.INVALID),
        ({"iss": "tasker"}, Reason.INVALID),
        ({"aud": "another-api"}, Reason.INVALID),
        ({"aud": None}, Reason.INVALID),
        ({"aud": {"tasker-api": 1}}, Reason.INVALID),
        ({"sub": 7}, Reason.INVALID),
        ({"permissions": ["tasks:everything"]}, Reason.INVALID),
        ({"permissions": ["*"]}, Reason.INVALID),
        ({"permissions": [["tasks:read"]]}, Reason.MALFORMED),
        ({"permissions": {"tasks:read": True}}, Reason.MALFORMED),
    ],
)
def test_a_token_that_says_the_wrong_thing_is_refused(claims: dict[str, Any], reason: Reason) -> None:
    token = rsa_signer().token("tasks:read", **claims) if "permissions" not in claims else rsa_signer().token(**claims)
    assert refusal(token).reason is reason


def test_one_audience_of_several_is_enough_and_leeway_forgives_seconds() -> None:
    assert read(rsa_signer().token(aud=["shop", "tasker-api"]))
    stale = rsa_signer().token(exp=int(time.time()) - 5)
    assert refusal(stale).reason is Reason.EXPIRED
    assert read(stale, leeway=60)


def test_an_unknown_permission_is_dropped_and_named_where_rules_are_lax(caplog: pytest.LogCaptureFixture) -> None:
    token = rsa_signer().token("tasks:read", "tasks:fly")
    with caplog.at_level(logging.WARNING):
        assert read(token, strict=False).permissions == {"tasks:read"}
        assert "'tasks:fly'" in caplog.text
        caplog.clear()
        read(token, strict=False, log_unknown_permissions=False)
        assert not caplog.text


def test_another_key_does_not_sign_for_the_signer() -> None:
    for other in (rsa_signer("other"), ec_signer()):
        failure = refusal(other.token("tasks:read"))
        assert (failure.reason, failure.status, failure.severity, failure.retry_after) == (
            Reason.INVALID,
            401,
            "high",
            60,
        )


def hs256_with(key: bytes, header: dict[str, Any] | None = None) -> str:
    """What a forger does whose library won't: signs with any bytes."""
    body = unsigned({"alg": "HS256", "typ": "JWT", **(header or {})}, fair_claims(["tasks:read"])).rpartition(".")[0]
    signature = hmac.new(key, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    pem = rsa_signer().public_pem
    for key in (pem.encode(), pem.strip().encode(), b"", b"\0"):
        assert refusal(hs256_with(key)).reason is Reason.INVALID
    # Even where HS256 is named among the algorithms, a public key stays one.
    tokens = Tokens(OneSigner(public_key(pem)), TokenRules(algorithms=("HS256", "RS256")))
    with pytest.raises(AuthFailure):
        asyncio.run(tokens.read(hs256_with(pem.encode())))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 7, "HS256", "RS512", "PS256", "EdDSA"])
@pytest.mark.parametrize("signature", [b"", b"x", b"\0" * 256])
def test_an_unsigned_token_and_one_of_another_algorithm_are_refused(algorithm: Any, signature: bytes) -> None:
    assert refusal(unsigned({"alg": algorithm}, fair_claims(["tasks:read"]), signature)).status == 401


def test_a_key_that_the_token_brings_along_is_not_looked_at() -> None:
    thief = rsa_signer("thief")
    for header in ({"jwk": thief.as_jwk()}, {"jku": "https://thief.example/keys"}, {"x5u": "https://thief.example/c"}):
        assert refusal(thief.token("tasks:read", headers=header)).reason is Reason.INVALID
    assert refusal(rsa_signer().token("tasks:read", headers={"crit": ["x"], "x": 1})).status == 401


@pytest.mark.parametrize(
    "token",
    ["", "a", "a.b", "a.b.c", "..", "ä.ö.ü", "a.b.c.d", "\0", "x" * 9_000, "e30.e30.",
     unsigned({"alg": "RS256"}, {}) + "=", "W10.W10.W10", "eyJhbGciOiJSUzI1NiJ9.bm90IGpzb24.c2ln"],
)  # fmt: skip
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refusal(token).status == 401


def test_a_token_nested_deeper_than_any_stack_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b'{"alg":"RS256","x":' + b"[" * 3_000 + b"]" * 3_000 + b"}").rstrip(b"=").decode()
    assert refusal(f"{deep}.e30.e30").status == 401


@given(st.data())
def test_a_token_changed_anywhere_is_refused(data: st.DataObject) -> None:
    token = rsa_signer().token("tasks:read")
    at = data.draw(st.integers(0, len(token) - 2))  # the last character has bits that say nothing
    other = data.draw(st.sampled_from("ABCxyz019-_.=").filter(lambda c: c != token[at]))
    changed = token[:at] + other + token[at + 1 :]
    assert refusal(changed).status == 401


def test_nothing_of_a_token_is_in_what_is_said_about_it() -> None:
    token = rsa_signer("other").token("tasks:read", sub="sub-of-the-token")
    failure = refusal(token)
    said = f"{failure} {failure.headers}"
    assert "sub-of-the-token" not in said and token[:20] not in said and token[-20:] not in said


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (lambda: key_pair("ES256")[0], "this is a private key"),
        (lambda: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "not a public key in PEM"),
        (lambda: "", "not a public key in PEM"),
        (lambda: rsa_signer(bits=1_024).public_pem, "1024 bits can be broken"),
        (lambda: Signer("ES384", generate_ec_key(SECP384R1())).public_pem, "P-256, not secp384r1"),
    ],
)
def test_a_public_key_that_will_not_do_is_told_at_the_start(pem: Callable[[], str], said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        public_key(pem())


@pytest.mark.parametrize(
    "secret", ["", "short", "a" * 64, rsa_signer().public_pem], ids=["none", "short", "one letter", "public"]
)
def test_a_secret_that_could_be_searched_for_is_refused(secret: str) -> None:
    with pytest.raises(InvalidRequestError, match="secret"):
        shared_secret(secret)


@pytest.mark.parametrize("algorithms", [(), ("none",), ("RS256", "RS1"), ("HS512",)])
def test_only_the_three_algorithms_can_be_asked_for(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequestError, match="RS256"):
        TokenRules(algorithms=algorithms)
