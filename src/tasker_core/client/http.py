"""What a client asks, answered by a server over HTTP: one pool of connections, and patience with a bad moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from uuid import uuid4

import httpx

from tasker_core.client.call import Call, Request
from tasker_core.client.credentials import credentials
from tasker_core.client.tries import Tries
from tasker_core.errors import InvalidRequestError
from tasker_core.forks import renew_in_children
from tasker_core.settings.values import Settings
from tasker_core.telemetry import tracing
from tasker_core.version import VERSION

R = TypeVar("R")
H = TypeVar("H", httpx.Client, httpx.AsyncClient)

LONGEST_WAIT = 15.0
"""Seconds for which the server may hold back an answer: less than it allows, and proxies on the way to it."""
# A connection that is idle for longer than this, a server or a proxy may be about to close.
LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=100, keepalive_expiry=15.0)


class _Connections(Generic[H]):
    """The connections to the server that ``settings`` name: made on first use, in each process of its own."""

    def __init__(self, make: Callable[..., H], settings: Settings, subject: str) -> None:
        client = settings.client
        self.timeout, self.connect_timeout, self.retries = client.timeout, client.connect_timeout, client.retries
        self._make: Callable[..., H] = make
        self._auth = credentials(settings, subject)
        try:
            url = httpx.URL(client.url or "")
        except httpx.InvalidURL as error:
            raise InvalidRequestError(f"url must be the URL of a server: {error}", field="url") from None
        self._url, self.name = url, str(url.copy_with(username=None, password=None)).rstrip("/")
        self._http: H | None = None
        renew_in_children(self)

    def begin_anew(self) -> None:
        if self._http is not None:
            # The parent goes on to speak on these: they are kept, unused.
            _inherited.append(self._http)
        self._http = None

    @property
    def http(self) -> H:
        if self._http is None:
            self._http = self._make(
                base_url=self._url, auth=self._auth, limits=LIMITS, headers={"User-Agent": f"tasker-core/{VERSION}"}
            )
        return self._http

    def tries(self, request: Request, waiting: float) -> Tries:
        return Tries(request, self.name, self.timeout + waiting, self.retries)

    def forget(self) -> H | None:
        http, self._http = self._http, None
        return http

    def said(self, request: Request, request_id: str, seconds: float) -> dict[str, Any]:
        """One try, which may take ``seconds``, as httpx wants it."""
        headers = {"X-Request-ID": request_id, **request.headers}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if (traceparent := tracing.current_traceparent()) is not None:
            headers["traceparent"] = traceparent
        return {
            "method": request.method,
            "url": request.path,
            "params": request.query,
            "content": request.body,
            "headers": headers,
            "timeout": httpx.Timeout(seconds, connect=min(seconds, self.connect_timeout)),
        }


_inherited: list[object] = []


class Http:
    """Asks a server, from any thread."""

    longest_wait = LONGEST_WAIT

    def __init__(self, settings: Settings, subject: str) -> None:
        self._connections = _Connections(httpx.Client, settings, subject)

    def do(self, call: Call[R]) -> R:
        """The answer to ``call``. Raises ClientError."""
        if call.pause:
            time.sleep(call.pause)
        request, request_id = call.there(), str(uuid4())
        tries = self._connections.tries(request, call.waiting)
        while True:
            try:
                said = self._connections.said(request, request_id, tries.seconds_left)
                outcome: httpx.Response | httpx.HTTPError = self._connections.http.request(**said)
            except httpx.HTTPError as error:
                outcome = error
            pause = tries.pause_after(outcome)
            if pause is None:
                return call.read(tries.answer(outcome))
            time.sleep(pause)

    def close(self) -> None:
        if (http := self._connections.forget()) is not None:
            http.close()


class AsyncHttp:
    """Asks a server, from the event loop in which it was first used."""

    longest_wait = LONGEST_WAIT

    def __init__(self, settings: Settings, subject: str) -> None:
        self._connections = _Connections(httpx.AsyncClient, settings, subject)

    async def do(self, call: Call[R]) -> R:
        """The answer to ``call``. Raises ClientError."""
        await asyncio.sleep(call.pause)
        request, request_id = call.there(), str(uuid4())
        tries = self._connections.tries(request, call.waiting)
        while True:
            try:
                said = self._connections.said(request, request_id, tries.seconds_left)
                outcome: httpx.Response | httpx.HTTPError = await self._connections.http.request(**said)
            except httpx.HTTPError as error:
                outcome = error
            pause = tries.pause_after(outcome)
            if pause is None:
                return call.read(tries.answer(outcome))
            await asyncio.sleep(pause)

    async def close(self) -> None:
        if (http := self._connections.forget()) is not None:
            await http.aclose()
