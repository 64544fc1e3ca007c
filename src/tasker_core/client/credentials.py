"""Who a client says it is: a bearer token, an API key, or tokens that it signs itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tasker_core.errors import SettingsError

if TYPE_CHECKING:
    from tasker_core.settings.values import JwtSettings, Settings

LIFETIME, RENEWED_BEFORE = 300.0, 60.0
"""Seconds that a signed token is good for, and before its end that another one is signed."""
PERMISSIONS = (
    "tasks:*", "steps:*", "templates:*", "dlq:*", "namespaces:*", "events:*", "audit:*", "workers:*", "worker:*",
    "system:*",
)  # fmt: skip
"""What a token of the client's own making permits: everything that a client or a worker asks."""


def credentials(settings: Settings, subject: str) -> httpx.Auth | None:
    """What goes with each request, the first that the settings have: a token, an API key, a private key.

    ``subject`` is who a signed token speaks for. Raises SettingsError for a key that can't be used.
    """
    client = settings.client
    if client.token is not None:
        return Header("Authorization", f"Bearer {client.token.get_secret_value()}")
    if client.api_key is not None:
        return Header(client.api_key_header, client.api_key.get_secret_value())
    if client.jwt_private_key_path is not None:
        return Signed(Path(client.jwt_private_key_path), settings.server.auth.jwt, subject)
    return None


class Header(httpx.Auth):
    """The same header with each request."""

    def __init__(self, name: str, value: str) -> None:
        if not (value.isascii() and value.isprintable()):
            raise SettingsError(f"the credentials for {name} hold a character that no header can")
        self._name, self._value = name, value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._name] = self._value
        yield request


class Signed(httpx.Auth):
    """Short-lived tokens, signed with the private key in ``file`` for servers that know its public key."""

    def __init__(self, file: Path, claims: JwtSettings | None, subject: str) -> None:
        self._key, self._algorithm = _private_key(file)
        self._issuer = claims.issuer if claims else "tasker-core"
        self._audience = claims.audience if claims else "tasker-api"
        self._permissions = claims.permissions_claim if claims else "permissions"
        self._subject = subject
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._current()}"
        yield request

    def _current(self) -> str:
        with self._lock:
            now = time.time()
            if not now < self._good_until - RENEWED_BEFORE:
                self._good_until = now + LIFETIME
                claims = {
                    "iss": self._issuer, "aud": self._audience, "sub": self._subject, "iat": int(now),
                    "exp": int(self._good_until), self._permissions: list(PERMISSIONS),
                }  # fmt: skip
                self._token = jwt.encode(claims, self._key, self._algorithm)
            return self._token


def _private_key(file: Path) -> tuple[RSAPrivateKey | EllipticCurvePrivateKey, str]:
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise SettingsError(f"TASKER_JWT_PRIVATE_KEY_PATH: {file}: {error.strerror}") from None
    except (ValueError, TypeError):
        key = None
    if isinstance(key, RSAPrivateKey):
        return key, "RS256"
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name == "secp256r1":
        return key, "ES256"
    raise SettingsError(
        f"TASKER_JWT_PRIVATE_KEY_PATH: {file} must hold a private key as PEM without a passphrase, RSA or P-256"
    )
