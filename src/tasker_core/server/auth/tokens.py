"""Bearer tokens: JSON Web Tokens that another service signs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.failure import AuthFailure, Reason
from tasker_core.server.auth.principal import LONGEST_NAME, Principal
from tasker_core.server.auth.signers import ALGORITHMS, Signers, VerificationKey
from tasker_core.server.permissions import granted, why_unknown

log = logging.getLogger("tasker_core.server.auth")

LONGEST_TOKEN = 8 * 1024
SHOWN_OF_PERMISSION = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What a token must say.

    Args:
        algorithms: the accepted ones, of RS256, ES256 and HS256.
        issuer: must be its ``iss``.
        audience: must be, or be among, its ``aud``.
        permissions_claim: the claim that holds its permissions: a list, or a text with spaces in between.
        leeway: seconds by which the signer's clock may differ.
        strict: a token with a permission that isn't known is refused, rather than read without it.
    """

    algorithms: Sequence[str] = ("RS256",)
    issuer: str = "tasker-core"
    audience: str = "tasker-api"
    permissions_claim: str = "permissions"
    leeway: float = 0.0
    strict: bool = True
    log_unknown_permissions: bool = True

    def __post_init__(self) -> None:
        if not self.algorithms:
            raise InvalidRequestError("algorithms: name at least one of RS256, ES256, HS256", field="algorithms")
        for algorithm in self.algorithms:
            if algorithm not in ALGORITHMS:
                raise InvalidRequestError(
                    f"algorithms: {algorithm!r} isn't one of {', '.join(ALGORITHMS)}", field="algorithms"
                )


class Tokens:
    """Reads tokens that ``signers`` have signed and that obey ``rules``."""

    def __init__(self, signers: Signers, rules: TokenRules) -> None:
        self._signers, self._rules = signers, rules

    def begin(self) -> None:
        """Get the signers' keys, in the running event loop."""
        self._signers.begin()

    async def read(self, token: str) -> Principal:
        """Who bears ``token``. Raises AuthFailure, or KeysUnavailableError."""
        claims = self._claims(token, await self._key_of(token))
        permissions = self._permissions(claims.get(self._rules.permissions_claim, []))
        name = str(claims.get("sub") or "token")[:LONGEST_NAME]
        return Principal(name, "token", granted(permissions))

    async def _key_of(self, token: str) -> VerificationKey:
        if len(token) > LONGEST_TOKEN:
            raise AuthFailure(Reason.MALFORMED, f"the token is longer than {LONGEST_TOKEN:,} characters")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, RecursionError):
            raise AuthFailure(Reason.MALFORMED, "the token is not a JSON Web Token") from None
        # Before the key is looked for, so that a token of a strange kind never has keys fetched for it.
        if header.get("alg") not in self._rules.algorithms:
            raise AuthFailure(Reason.INVALID, f"a token must be signed with {' or '.join(self._rules.algorithms)}")
        key = await self._signers.find(header.get("kid"))
        if key is None or key.algorithm not in self._rules.algorithms:
            raise AuthFailure(Reason.INVALID, "the token is signed with a key that isn't known here")
        return key

    def _claims(self, token: str, key: VerificationKey) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                issuer=self._rules.issuer,
                audience=self._rules.audience,
                leeway=self._rules.leeway,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise AuthFailure(Reason.EXPIRED, "the token has expired") from None
        except jwt.InvalidSignatureError:
            raise AuthFailure(Reason.INVALID, "the token's signature is not that of its content") from None
        except jwt.ImmatureSignatureError:
            raise AuthFailure(Reason.INVALID, "the token is not valid yet") from None
        except jwt.InvalidIssuerError:
            raise AuthFailure(Reason.INVALID, "the token is of another issuer") from None
        except jwt.InvalidAudienceError:
            raise AuthFailure(Reason.INVALID, "the token is for another audience") from None
        except jwt.MissingRequiredClaimError as error:
            raise AuthFailure(Reason.INVALID, f"the token lacks the claim {error.claim!r}") from None
        except jwt.DecodeError:
            raise AuthFailure(Reason.MALFORMED, "the token is not a JSON Web Token") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise AuthFailure(Reason.INVALID, "the token is not valid") from None

    def _permissions(self, claimed: object) -> list[str]:
        claim = self._rules.permissions_claim
        named = claimed.split() if isinstance(claimed, str) else claimed
        if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
            raise AuthFailure(Reason.MALFORMED, f"the token's claim {claim!r} must be a list of texts")
        for permission in named:
            if why_unknown(permission):
                if self._rules.log_unknown_permissions:
                    log.warning("a token names the unknown permission %r", permission[:SHOWN_OF_PERMISSION])
                if self._rules.strict:
                    raise AuthFailure(Reason.INVALID, "the token names a permission that there isn't")
        return named
