"""A signer of tokens, honest or not, and a real HTTP server on loopback that publishes its keys."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


@dataclass(frozen=True)
class Signer:
    """A key that signs tokens."""

    algorithm: str
    private: Any
    kid: str | None = None

    @property
    def public_pem(self) -> str:
        public = self.private.public_key()
        return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())

    def token(
        self, *permissions: str, algorithm: str | None = None, headers: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token as the server wants it, except for the claims that are given; None leaves a claim out."""
        said = {**fair_claims(permissions), **claims}
        said = {claim: value for claim, value in said.items() if value is not None}
        named = {"kid": self.kid} if self.kid else {}
        return jwt.encode(said, self.private, algorithm or self.algorithm, headers={**named, **(headers or {})})

    def as_jwk(self, **changes: Any) -> dict[str, Any]:
        """The public key as an entry of a key set."""
        public = self.private.public_key()
        algorithm = ECAlgorithm if isinstance(public, EllipticCurvePublicKey) else RSAAlgorithm
        entry = {
            **algorithm.to_jwk(public, as_dict=True),
            "use": "sig",
            "alg": self.algorithm,
            "kid": self.kid,
            **changes,
        }
        return {key: value for key, value in entry.items() if value is not None}


def fair_claims(permissions: Sequence[str] = ()) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": "tasker-core",
        "aud": "tasker-api",
        "sub": "shop",
        "iat": now,
        "exp": now + 600,
        "permissions": list(permissions),
    }


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand."""
    parts = [json.dumps(dict(part)).encode() for part in (header, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in [*parts, signature])


@cache
def rsa_signer(kid: str | None = None, bits: int = 2_048) -> Signer:
    return Signer("RS256", generate_rsa_key(public_exponent=65_537, key_size=bits), kid)


@cache
def ec_signer(kid: str | None = None) -> Signer:
    return Signer("ES256", generate_ec_key(SECP256R1()), kid)


@dataclass
class Publisher:
    """What the HTTP server answers just now, and what it was asked so far."""

    url: str = ""
    body: bytes = b'{"keys": []}'
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def publish(self, *entries: Mapping[str, Any]) -> None:
        self.body, self.status = json.dumps({"keys": entries}).encode(), 200


@contextmanager
def publisher() -> Iterator[Publisher]:
    """An HTTP server on a free port of loopback."""
    state = Publisher()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/keys"
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
