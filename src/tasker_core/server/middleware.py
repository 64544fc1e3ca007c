"""What surrounds every request: its id, its time limit, its size limit, and an answer whatever happens inside."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasker_core.server.errors import ApiError, answer_error, as_api_error

log = logging.getLogger("tasker.server")

REQUEST_ID = "X-Request-ID"
EVENT_STREAM = "text/event-stream"
PASSED_OVER = 64 * 1024 * 1024
"""Bytes of a body too large that are read, for the sake of the answer."""
_GIVEN_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

Seen = Callable[[Scope, int, float], None]
"""Told of each answered request: scope, status, seconds."""


class Envelope:
    """Gives each request an id (its own ``X-Request-ID``, if it is a plain one) and every request an answer."""

    def __init__(self, app: ASGIApp, seen: Seen) -> None:
        self._app, self._seen = app, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GIVEN_ID.fullmatch(given) else str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers["X-Content-Type-Options"], headers["X-Frame-Options"] = "nosniff", "DENY"
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            if status:
                raise
            log.error("request %s failed: %s %s", request_id, scope["method"], scope["path"])
            await answer_error(as_api_error(error))(scope, receive, answer)
        finally:
            took = time.perf_counter() - began
            self._seen(scope, status, took)
            log.info("%s %s %d %.1f ms %s", scope["method"], scope["path"], status, took * 1_000, request_id)


class TimeLimit:
    """Answers 408 when a request isn't answered within ``seconds``, a body that doesn't arrive included. A stream of
    events has to begin within that time."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start" and _is_stream(message):
                limit.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._app(scope, receive, answer)
        except TimeoutError:
            if begun or not limit.expired():
                raise
            said = f"not answered within {self._seconds:g} s; what was asked may have been done nevertheless"
            await answer_error(ApiError(408, "TIMEOUT", said, headers={"Connection": "close"}))(scope, receive, send)


class SizeLimit:
    """Answers 413 to a request whose body is larger than it may be. None of it is kept."""

    def __init__(self, app: ASGIApp, largest: Callable[[Scope], int]) -> None:
        self._app, self._largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        largest = self._largest(scope)
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > largest:
            await pass_over(receive)
            await answer_error(_too_large(largest))(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:
                if message.get("more_body"):
                    await pass_over(receive)
                raise _too_large(largest)
            return message

        await self._app(scope, limited, send)


def _is_stream(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith(EVENT_STREAM)


async def pass_over(receive: Receive, most: int = PASSED_OVER) -> None:
    """Read what comes without keeping it: a caller who is still sending wouldn't see an answer, only a lost connection.

    One who sends more than ``most`` bytes sees just that.
    """
    passed, more = 0, True
    while more and passed < most:
        message = await receive()
        passed += len(message.get("body", b""))
        more = message.get("more_body", False)


def _too_large(largest: int) -> ApiError:
    said = f"the body of a request may be {largest:,} bytes. Store large data elsewhere and pass a reference to it"
    return ApiError(413, "PAYLOAD_TOO_LARGE", said, headers={"Connection": "close"})
