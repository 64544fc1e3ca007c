"""The keys that a signer publishes as a JSON Web Key Set, fetched and kept."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from tasker_core.errors import InvalidRequestError
from tasker_core.server.auth.addresses import is_loopback, is_private, resolved
from tasker_core.server.auth.failure import KeysUnavailableError
from tasker_core.server.auth.signers import VerificationKey, keys_of_set

log = logging.getLogger("tasker_core.server.auth")

LARGEST_SET = 256 * 1024
PLAIN_JSON = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""Uncompressed, so that what is counted is what is read."""
FETCH_TIMEOUT = 5.0
FETCH_AGAIN = 10.0
"""Seconds between two fetches at least, so that invented key names can't make this server hammer another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySetRules:
    """How long fetched keys are believed. Times are in seconds.

    Args:
        refresh: after this they are fetched anew.
        stale: for this much longer they serve while that fails.
        private_addresses: the signer may be inside the own network.
    """

    refresh: float = 3_600.0
    stale: float = 300.0
    private_addresses: bool = False


class KeySet:
    """The keys at ``url``. Raises InvalidRequestError for a URL that others could answer in the signer's name.

    They are fetched at ``begin`` or when first asked for, again when ``refresh`` is over or a key isn't among them, and
    never twice at once.
    """

    def __init__(
        self,
        url: str,
        algorithms: Sequence[str],
        rules: KeySetRules | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._algorithms = _checked(url), algorithms
        self._rules, self._now = rules or KeySetRules(), monotonic
        self._keys: Mapping[str | None, VerificationKey] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str | None) -> VerificationKey | None:
        """The key named ``kid``, or the only one. Raises KeysUnavailableError when there are no keys to look in."""
        age = self._age()
        if age > self._rules.refresh:
            fetching = self._fetch()
            # Keys that are only due go on serving; nobody waits for the fetch.
            if fetching is not None and age > self._rules.refresh + self._rules.stale:
                await asyncio.shield(fetching)
        if self._age() > self._rules.refresh + self._rules.stale:
            raise KeysUnavailableError("the signer's keys can't be had just now; try again")
        found = self._named(kid)
        if found is None and (fetching := self._fetch()) is not None:
            await asyncio.shield(fetching)
            found = self._named(kid)
        return found

    def begin(self) -> None:
        """Fetch the keys: a URL that leads nowhere is then told when the server starts, not when somebody asks."""
        self._fetch()

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._now() - self._fetched_at

    def _named(self, kid: str | None) -> VerificationKey | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _fetch(self) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one, unless the last one was only just now."""
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        if self._tried_at is not None and self._now() - self._tried_at < FETCH_AGAIN:
            return None
        self._tried_at = self._now()
        self._fetching = asyncio.create_task(self._fetched())
        return self._fetching

    async def _fetched(self) -> None:
        try:
            keys = keys_of_set(await self._read(), self._algorithms)
            if not keys:
                raise ValueError(f"it holds none for {' or '.join(self._algorithms)}")
        except (httpx.HTTPError, OSError, ValueError, RecursionError) as error:
            log.warning("the keys at %s can't be fetched: %s", self._url, error or type(error).__name__)
            return
        self._keys, self._fetched_at = keys, self._now()

    async def _read(self) -> object:
        await self._refuse_private()
        # No redirect is followed: it could lead anywhere.
        async with (
            asyncio.timeout(2 * FETCH_TIMEOUT),
            httpx.AsyncClient(timeout=FETCH_TIMEOUT) as client,
            client.stream("GET", self._url, headers=PLAIN_JSON) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"it answers {answer.status_code}")
            text = b""
            async for part in answer.aiter_raw():
                text += part
                if len(text) > LARGEST_SET:
                    raise ValueError(f"it sends more than {LARGEST_SET:,} bytes")
        return json.loads(text)

    async def _refuse_private(self) -> None:
        host = urlsplit(self._url).hostname or ""
        if self._rules.private_addresses or is_loopback(host):
            return
        for address in await asyncio.to_thread(resolved, host):
            if is_private(address):
                raise ValueError(f"{host} is {address}, an address inside a network; jwks_private_addresses permits it")


def _checked(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.username or parts.password:
        raise InvalidRequestError("jwks_url: a name and password in the URL would end up in logs", field="jwks_url")
    if not (host and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))):
        raise InvalidRequestError(
            "jwks_url must begin with https:// (http:// only to this machine): who answers it can issue tokens",
            field="jwks_url",
        )
    return url
