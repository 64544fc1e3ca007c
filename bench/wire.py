"""A TCP relay before PostgreSQL that counts round trips: each ReadyForQuery is one answer that a client waited for.

It knows nothing of who speaks, so it counts Tasker and its peers alike. A pipeline of many statements is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

SSL_REQUEST, GSS_REQUEST = 80_877_103, 80_877_104
CHUNK = 1 << 16


@dataclass(slots=True)
class Counted:
    """``round_trips`` and the bytes in both directions, over all connections."""

    round_trips: int = 0
    sent: int = 0
    received: int = 0


class Wire:
    """Relays to the server that ``url`` names. ``self.url`` leads through it, ``self.counted`` is what passed."""

    def __init__(self, url: str, counted: Counted | None = None) -> None:
        self._parts = urlsplit(url)
        self.counted = counted or Counted()
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._relays: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._relay, "127.0.0.1", 0))
        port = self._server.sockets[0].getsockname()[1]
        who = self._parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(self._parts._replace(netloc=f"{who}@127.0.0.1:{port}"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(30)

    async def _end(self) -> None:
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        await asyncio.gather(*self._relays)

    async def _relay(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        relay = asyncio.current_task()
        assert relay is not None
        self._relays.add(relay)
        server, to_server = await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)
        ends = {to_client, to_server}
        self._ends |= ends
        try:
            to_server.write(await _startup(client, to_client))
            async with asyncio.TaskGroup() as both:
                both.create_task(self._requests(client, to_server))
                both.create_task(self._answers(server, to_client))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._ends -= ends
            self._relays.discard(relay)
            for end in ends:
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _requests(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        while data := await client.read(CHUNK):
            self.counted.sent += len(data)
            to_server.write(data)
            await to_server.drain()
        to_server.write_eof()

    async def _answers(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Counted before they are passed on: whoever has the answer finds its round trip counted."""
        left, kept = 0, b""
        while chunk := await server.read(CHUNK):
            self.counted.received += len(chunk)
            at, data, kept = 0, kept + chunk, b""
            while at < len(data):
                if left:
                    step = min(left, len(data) - at)
                    at, left = at + step, left - step
                elif len(data) - at < 5:
                    kept = data[at:]
                    break
                else:
                    self.counted.round_trips += data[at] == ord("Z")
                    left = int.from_bytes(data[at + 1 : at + 5], "big") - 4
                    at += 5
            to_client.write(chunk)
            await to_client.drain()
        to_client.close()


async def _startup(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> bytes:
    """The client's first message, after its wishes for encryption were declined."""
    while True:
        length = await client.readexactly(4)
        message = await client.readexactly(int.from_bytes(length, "big") - 4)
        if int.from_bytes(message[:4], "big") not in (SSL_REQUEST, GSS_REQUEST):
            return length + message
        to_client.write(b"N")
        await to_client.drain()
