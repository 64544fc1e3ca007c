"""Masks what answers show of contexts and results to those who may not see everything."""

from __future__ import annotations

import asyncio
import json

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasker_core.server.auth.access import Access
from tasker_core.server.auth.gate import CALLER
from tasker_core.server.auth.principal import Principal
from tasker_core.server.body import to_bytes
from tasker_core.server.redaction import Redact

SEES_EVERYTHING = "tasks:context_read"
_SHOWS = "shows_everything"
SMALL = 32 * 1024
"""Bytes of an answer that are masked faster than a thread is woken."""


def show_everything(scope: Scope) -> None:
    """Let the answer to this request pass as it is: its caller works on what it shows."""
    scope["state"][_SHOWS] = True


class Mask:
    """Rewrites each JSON answer to a caller without ``tasks:context_read``, so that no route can forget to.

    An answer of another kind that shows payloads has to mask them itself, with ``Access.masked``.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope["state"].get(CALLER) if scope["type"] == "http" else None
        if isinstance(caller, Principal) and not caller.may(SEES_EVERYTHING):
            send = _Masked(scope, send, self._access.masked)
        await self._app(scope, receive, send)


class _Masked:
    """Holds an answer back until it is whole."""

    def __init__(self, scope: Scope, send: Send, masked: Redact) -> None:
        self._scope, self._send, self._masked = scope, send, masked
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = MutableHeaders(scope=message).get("content-type", "")
            if kind.partition(";")[0].strip() == "application/json" and _SHOWS not in self._scope["state"]:
                self._start = message
                return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._answer(self._start)

    async def _answer(self, start: Message) -> None:
        body = await self._rewritten() if self._body else b""
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    async def _rewritten(self) -> bytes:
        if len(self._body) <= SMALL:
            return self._rewrite()
        return await asyncio.to_thread(self._rewrite)

    def _rewrite(self) -> bytes:
        return to_bytes(self._masked(json.loads(self._body)))
