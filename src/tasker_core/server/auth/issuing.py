"""The signer's side, for those who have none of their own: making a pair of keys, signing tokens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.signers import SHORTEST_RSA, shared_secret
from tasker_core.server.permissions import why_unknown


def key_pair(algorithm: str = "RS256", bits: int = 3_072) -> tuple[str, str]:
    """A private key and its public key, as PEM. Raises InvalidRequestError for other algorithms, and for few bits."""
    key: RSAPrivateKey | EllipticCurvePrivateKey
    if algorithm == "ES256":
        key = generate_private_key(SECP256R1())
    elif algorithm == "RS256":
        if not SHORTEST_RSA <= bits <= 8_192:
            raise InvalidRequestError(f"an RSA key has from {SHORTEST_RSA} to 8192 bits, not {bits}", field="bits")
        key = generate_rsa_key(public_exponent=65_537, key_size=bits)
    else:
        raise InvalidRequestError(f"pairs of keys are for RS256 and ES256, not {algorithm!r}", field="algorithm")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def sign_token(
    permissions: Sequence[str],
    *,
    subject: str,
    lifetime: float,
    private_key: str | None = None,
    secret: str | None = None,
    issuer: str = "tasker-core",
    audience: str = "tasker-api",
    permissions_claim: str = "permissions",
    kid: str | None = None,
) -> str:
    """A token that permits ``permissions`` for ``lifetime`` seconds, signed with ``private_key`` (PEM) or ``secret``.

    Raises InvalidRequestError for an unknown permission and for a key that doesn't sign.
    """
    for permission in permissions:
        if wrong := why_unknown(permission):
            raise InvalidRequestError(wrong, field="permissions")
    if lifetime <= 0:
        raise InvalidRequestError("a token must live for more than no time at all", field="lifetime")
    key, algorithm = _signing_key(private_key, secret)
    now = time.time()
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "iat": int(now),
        "exp": int(now + lifetime),
        permissions_claim: list(permissions),
    }
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else None)


def _signing_key(private_key: str | None, secret: str | None) -> tuple[Any, str]:
    if (private_key is None) == (secret is None):
        raise InvalidRequestError(
            "a token is signed with a private key or with a secret: give one", field="private_key"
        )
    if secret is not None:
        return shared_secret(secret).key, "HS256"
    try:
        key = load_pem_private_key((private_key or "").encode(), password=None)
    except (ValueError, TypeError):
        raise InvalidRequestError("not a private key in PEM without a passphrase", field="private_key") from None
    match key:
        case RSAPrivateKey() if key.key_size >= SHORTEST_RSA:
            return key, "RS256"
        case EllipticCurvePrivateKey() if isinstance(key.curve, SECP256R1):
            return key, "ES256"
    raise InvalidRequestError(
        f"tokens are signed with RSA of {SHORTEST_RSA} bits or more, or P-256", field="private_key"
    )
