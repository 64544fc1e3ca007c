"""Whose signature a token must bear: keys, each bound to the one algorithm it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tasker_core.errors import InvalidRequestError

ALGORITHMS = ("RS256", "ES256", "HS256")
SHORTEST_RSA = 2_048
SHORTEST_SECRET = 32
"""Bytes: as many as SHA-256 gives, as RFC 7518 asks for."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key with its algorithm. It says which one, never the token: else a public key would do as a secret."""

    algorithm: str
    key: RSAPublicKey | EllipticCurvePublicKey | bytes


class Signers(Protocol):
    """Where the keys come from."""

    async def find(self, kid: str | None) -> VerificationKey | None:
        """The key named ``kid``, or the only one. Raises KeysUnavailableError when it can't be told just now."""
        ...

    def begin(self) -> None:
        """Get what will be asked for, in the running event loop, with nobody waiting for it."""
        ...


@dataclass(frozen=True, slots=True)
class OneSigner:
    """A single key out of the configuration, whatever a token calls it."""

    key: VerificationKey

    async def find(self, kid: str | None) -> VerificationKey | None:  # noqa: ARG002
        return self.key

    def begin(self) -> None:
        """It is here."""


def shared_secret(secret: str) -> VerificationKey:
    """The key for HS256. Raises InvalidRequestError when it is short enough to be searched for."""
    encoded = secret.encode()
    if len(encoded) < SHORTEST_SECRET or len(set(encoded)) < SHORTEST_SECRET // 4:
        raise InvalidRequestError(
            f"the secret of HS256 must be at least {SHORTEST_SECRET} random bytes; `openssl rand -base64 48` makes one",
            field="secret",
        )
    if encoded.lstrip().startswith(b"-----BEGIN"):
        raise InvalidRequestError("this secret is a key in PEM: give it as public_key", field="secret")
    return VerificationKey("HS256", encoded)


def public_key(pem: str, place: str = "public_key") -> VerificationKey:
    """The public key in ``pem``. Raises InvalidRequestError, naming ``place``, unless it is one of RSA or P-256."""
    if "PRIVATE KEY" in pem:
        raise InvalidRequestError(
            f"{place}: this is a private key, which stays with the signer; give the server the public one", field=place
        )
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidRequestError(
            f"{place}: not a public key in PEM, which begins with -----BEGIN PUBLIC KEY-----", field=place
        ) from None
    if wrong := _why_unusable(key):
        raise InvalidRequestError(f"{place}: {wrong}", field=place)
    return _bound(key)


def keys_of_set(document: Any, algorithms: Sequence[str]) -> Mapping[str | None, VerificationKey]:
    """The usable keys in a JSON Web Key Set, by their ``kid``: none for encryption, symmetric, weak or strange.

    Raises ValueError when ``document`` isn't a key set.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError('not a JSON Web Key Set, which is {"keys": [...]}')
    found: dict[str | None, VerificationKey] = {}
    for entry in entries:
        key = _key_of(entry)
        if key is not None and key.algorithm in algorithms and entry.get("alg", key.algorithm) == key.algorithm:
            kid = entry.get("kid")
            found[kid if isinstance(kid, str) else None] = key
    return found


def _key_of(entry: object) -> VerificationKey | None:
    if not isinstance(entry, dict) or entry.get("kty") not in ("RSA", "EC") or entry.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(entry, algorithm="RS256" if entry["kty"] == "RSA" else "ES256").key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return None if _why_unusable(key) else _bound(key)


def _why_unusable(key: object) -> str | None:
    match key:
        case RSAPublicKey():
            if key.key_size < SHORTEST_RSA:
                return f"an RSA key of {key.key_size} bits can be broken; {SHORTEST_RSA} are the least"
        case EllipticCurvePublicKey():
            if not isinstance(key.curve, SECP256R1):
                return f"ES256 needs a key on the curve P-256, not {key.curve.name}"
        case _:
            return "not a public key of RSA or of the curve P-256"
    return None


def _bound(key: Any) -> VerificationKey:
    return VerificationKey("RS256" if isinstance(key, RSAPublicKey) else "ES256", key)
