"""A crowd creates tasks at a server process: nobody is turned away, what was answered is stored, and memory stays.

``TASKER_TEST_CROWD="200 30"`` makes it 200 clients for 30 seconds; with ``-s`` the figures are printed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tasker_core import TaskerClient
from tests.support.crowd import Crowd, crowd, resident_memory
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.workshop import Background, flow, tasker

__all__ = ["postgres_of_the_suites", "store_url"]

CLIENTS, SECONDS = map(int, os.environ.get("TASKER_TEST_CROWD", "30 2").split())
LONG_ENOUGH = 20
"""Seconds after which pools, caches and the allocator have taken what they take."""
MIB = 1 << 20


def test_a_crowd_is_served_and_nothing_is_lost(store_url: str, tmp_path: Path) -> None:
    if store_url.startswith("postgres"):
        assert tasker("migrate", url=store_url).code == 0
    with TaskerClient(database_url=store_url) as client:
        client.register_template(flow({"a": [], "b": ["a"], "c": ["b"]}))
    with Background("server", "--port", "0", log=tmp_path / "server.log", url=store_url) as server:
        server.await_line("server listens at")
        (url,) = re.findall(r"http://\S+", server.output())
        before = resident_memory(server.pid)
        seen = crowd(url, CLIENTS, SECONDS, wish, server.pid)
        stored = list(tasks_at(url))
        assert server.is_running
    tell(store_url, before, seen)

    assert seen.surprises == []
    assert len(seen.created) >= CLIENTS
    assert sorted(stored) == sorted(seen.created)
    if SECONDS >= LONG_ENOUGH:
        middle, end = seen.memory[len(seen.memory) // 2], seen.memory[-1]
        assert end < middle * 1.1, [each // MIB for each in seen.memory]


def wish(n: int) -> dict[str, Any]:
    return {"name": "flow", "namespace": "shop", "context": {"name": f"guest {n}"}}


def tasks_at(url: str) -> Iterator[str]:
    """The UUIDs of all tasks there, walked by their entries."""
    with httpx.Client(base_url=url, timeout=60) as http:
        after: dict[str, str] = {}
        while True:
            page = http.get("/v1/tasks", params={"limit": 1_000, **after}).json()
            yield from (task["task_uuid"] for task in page["tasks"])
            if not (following := page["pagination"].get("next")):
                return
            after = {"after": following}


def tell(store_url: str, before: int, seen: Crowd) -> None:
    memory = [before, *(seen.memory[at] for at in (0, len(seen.memory) // 2, -1))]
    print(
        f"\nplayed: {len(seen.created)} creates\n{store_url.partition(':')[0]}: {CLIENTS} clients, {SECONDS} s, "
        f"{len(seen.created) / SECONDS:.0f} creates/s, {len(seen.surprises)} surprises, "
        f"half within {seen.slowest(0.5) * 1_000:.0f} ms, 99 of 100 within {seen.slowest(0.01) * 1_000:.0f} ms; "
        "memory idle, early, middle, end: " + ", ".join(f"{each / MIB:.1f}" for each in memory) + " MiB"
    )
