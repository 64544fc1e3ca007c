"""A crowd of clients that create tasks over HTTP at the same time, and what became of each request."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx


@dataclass
class Crowd:
    """What a crowd saw: the tasks that were answered, and whatever else came."""

    created: list[str] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """How long each answer took."""
    memory: list[int] = field(default_factory=list)
    """The server's resident memory in bytes, once a tenth of the time."""

    def slowest(self, share: float) -> float:
        """The time within which all but this share of the answers came."""
        return sorted(self.seconds)[int((1 - share) * (len(self.seconds) - 1))]


def crowd(url: str, clients: int, seconds: float, wish: Callable[[int], Mapping[str, Any]], server: int) -> Crowd:
    """Have ``clients`` clients create tasks one after the other for ``seconds``; ``server`` is a process id.

    ``wish`` makes the n-th request of all; each carries a ``task_uuid`` of its own.
    """
    return asyncio.run(_crowd(url, clients, seconds, wish, server))


async def _crowd(
    url: str, clients: int, seconds: float, wish: Callable[[int], Mapping[str, Any]], server: int
) -> Crowd:
    seen, until, numbers = Crowd(), time.monotonic() + seconds, iter(range(1_000_000_000))

    async def one() -> None:
        # Each with a connection of its own: a pool of hundreds takes more time to look through than a server to answer.
        async with httpx.AsyncClient(base_url=url, timeout=60, verify=False) as http:
            while time.monotonic() < until:
                own, began = str(uuid.uuid4()), time.perf_counter()
                try:
                    answer = await http.post("/v1/tasks", json={**wish(next(numbers)), "task_uuid": own})
                except httpx.TransportError as error:
                    seen.surprises.append(repr(error))
                    return
                seen.seconds.append(time.perf_counter() - began)
                if answer.status_code == 201 and answer.json()["task_uuid"] == own:
                    seen.created.append(own)
                else:
                    seen.surprises.append(f"{answer.status_code} {answer.text[:200]}")

    async def watch() -> None:
        while time.monotonic() < until:
            await asyncio.sleep(seconds / 10)
            seen.memory.append(resident_memory(server))

    await asyncio.gather(watch(), *(one() for _ in range(clients)))
    return seen


def resident_memory(process: int) -> int:
    """Bytes (Linux)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(process)
