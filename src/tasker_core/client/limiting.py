"""What the clients offer about limits and breakers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasker_core.client.limit_calls import LimitCalls
from tasker_core.types.limits import BreakerResponse, LimitResponse

if TYPE_CHECKING:
    from tasker_core.client.http import AsyncHttp, Http
    from tasker_core.client.local import Local
    from tasker_core.client.threads import Threads


class Limiting:
    """Methods of ``TaskerClient``."""

    _door: Local | Http
    _limit_calls: LimitCalls

    def list_limits(self) -> list[LimitResponse]:
        """The limits of handlers and namespaces, and how much of them is used."""
        return self._door.do(self._limit_calls.list_limits())

    def set_limits(
        self, name: str, limits: Mapping[str, Any] | None, reason: str = "", *, by: str | None = None
    ) -> list[LimitResponse]:
        """Limit a handler (``shop/charge``) or a namespace (``shop``), whatever templates say.

        ``limits`` may have ``concurrency`` (how many run at once), ``per_key`` (how many of each key) and ``rate``
        (``"10/s"``); None of one of these lifts what templates say, None instead of all leaves it to them again. Holds
        for every step that begins after this returns. Raises InvalidRequestError.
        """
        return self._door.do(self._limit_calls.set_limits(name, limits, reason, by))

    def list_breakers(self) -> list[BreakerResponse]:
        """The breakers that aren't closed, and those of handlers of which the last step failed."""
        return self._door.do(self._limit_calls.list_breakers())

    def set_breaker(
        self, handler: str, state: str, reason: str = "", *, by: str | None = None
    ) -> list[BreakerResponse]:
        """Open the breaker of a handler (``shop/charge``), until another word, or close it: ``"open"``, ``"closed"``.

        Raises InvalidRequestError.
        """
        return self._door.do(self._limit_calls.set_breaker(handler, state, reason, by))


class AsyncLimiting:
    """The same of ``AsyncTaskerClient``."""

    _door: Threads | AsyncHttp
    _limit_calls: LimitCalls

    async def list_limits(self) -> list[LimitResponse]:
        """See ``TaskerClient.list_limits``."""
        return await self._door.do(self._limit_calls.list_limits())

    async def set_limits(
        self, name: str, limits: Mapping[str, Any] | None, reason: str = "", *, by: str | None = None
    ) -> list[LimitResponse]:
        """See ``TaskerClient.set_limits``."""
        return await self._door.do(self._limit_calls.set_limits(name, limits, reason, by))

    async def list_breakers(self) -> list[BreakerResponse]:
        """See ``TaskerClient.list_breakers``."""
        return await self._door.do(self._limit_calls.list_breakers())

    async def set_breaker(
        self, handler: str, state: str, reason: str = "", *, by: str | None = None
    ) -> list[BreakerResponse]:
        """See ``TaskerClient.set_breaker``."""
        return await self._door.do(self._limit_calls.set_breaker(handler, state, reason, by))
