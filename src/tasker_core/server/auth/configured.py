"""From the settings to whom the server lets in."""

from __future__ import annotations

from pathlib import Path

from tasker_core.errors import InvalidRequestError, SettingsError
from tasker_core.server.auth.access import Access
from tasker_core.server.auth.authenticator import Authenticator
from tasker_core.server.auth.binding import check_binding
from tasker_core.server.auth.key_set import KeySet, KeySetRules
from tasker_core.server.auth.keys import ApiKey, KeyRing
from tasker_core.server.auth.signers import OneSigner, Signers, VerificationKey, public_key, shared_secret
from tasker_core.server.auth.tokens import TokenRules, Tokens
from tasker_core.settings.values import AuthSettings, JwtSettings, Settings

SOURCES = ("public_key", "public_key_path", "secret", "jwks_url")


def access_of(settings: Settings) -> Access:
    """Whom a server with ``settings`` lets in. Raises SettingsError where they can't be meant so.

    It knows its callers where there is an API key or a table of tokens. Where there is neither, it is open, and then to
    this machine alone, unless ``server.insecure`` is true.
    """
    said = settings.server
    authenticator = _authenticator(said.auth)
    try:
        check_binding(said.host, authenticates=authenticator is not None, insecure=said.insecure)
        return Access(
            authenticator=authenticator,
            any_address=said.insecure,
            hosts=tuple(host.lower() for host in said.allowed_hosts),
            origins=said.cors_origins,
            redact=settings.redact,
            unknown_per_second=said.auth.unknown_per_second,
        )
    except InvalidRequestError as error:
        raise SettingsError(f"server: {error}", field=error.field) from None


def _authenticator(said: AuthSettings) -> Authenticator | None:
    if not said.api_keys and said.jwt is None:
        return None
    try:
        keys = KeyRing(
            ApiKey(hash=key.hash.get_secret_value(), permissions=key.permissions, description=key.description)
            for key in said.api_keys
        )
        tokens = _tokens(said.jwt, said) if said.jwt is not None else None
        return Authenticator(keys, tokens, said.api_key_header)
    except InvalidRequestError as error:
        raise SettingsError(f"server.auth: {error}", field=error.field) from None


def _tokens(said: JwtSettings, auth: AuthSettings) -> Tokens:
    rules = TokenRules(
        algorithms=said.algorithms,
        issuer=said.issuer,
        audience=said.audience,
        permissions_claim=said.permissions_claim,
        leeway=said.leeway,
        strict=auth.strict_validation,
        log_unknown_permissions=auth.log_unknown_permissions,
    )
    return Tokens(_signers(said), rules)


def _signers(said: JwtSettings) -> Signers:
    given = [name for name in SOURCES if getattr(said, name) is not None]
    if len(given) != 1:
        found = f"there are {' and '.join(given)}" if given else "there is none"
        raise InvalidRequestError(
            f"jwt: tokens need one of {', '.join(SOURCES)} to be checked with; {found}", field="jwt"
        )
    if said.jwks_url is not None:
        rules = KeySetRules(
            refresh=said.jwks_refresh, stale=said.jwks_stale, private_addresses=said.jwks_private_addresses
        )
        return KeySet(said.jwks_url, said.algorithms, rules)
    key = _key(said)
    if key.algorithm not in said.algorithms:
        raise InvalidRequestError(
            f"jwt: {given[0]} is for {key.algorithm}, which algorithms doesn't name: set it to [{key.algorithm!r}]",
            field="algorithms",
        )
    return OneSigner(key)


def _key(said: JwtSettings) -> VerificationKey:
    if said.secret is not None:
        return shared_secret(said.secret.get_secret_value())
    if said.public_key is not None:
        return public_key(said.public_key)
    path = Path(said.public_key_path or "")
    try:
        return public_key(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it isn't text"
        raise InvalidRequestError(
            f"jwt: public_key_path: {path} can't be read: {why}", field="public_key_path"
        ) from None
