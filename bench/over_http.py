"""H: creating by 64 clients at once, over HTTP and in the process that holds the store. Nothing is executed."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from urllib.parse import urlsplit

from bench.creating import request
from bench.processes import cpu_seconds
from bench.rows import Figures
from bench.stage import Stage
from bench.workloads import percentiles
from tasker_core import TaskerClient

CLIENTS = 64
WARM_UP = CLIENTS


def h(stage: Stage, tasks: int, workers: int) -> Figures:
    """Tasks a second and what one create takes, each client waiting for its answer before it asks again."""
    del workers
    with stage.client() as client:
        with stage.server() as (server, url):
            asyncio.run(_over_http(url, WARM_UP))
            before = cpu_seconds(server)
            over_http = asyncio.run(_over_http(url, tasks))
            used = cpu_seconds(server) - before
        _in_process(client, WARM_UP)
        in_process = _in_process(client, tasks)
    return {
        **{f"HTTP {name}": value for name, value in over_http.items()},
        "HTTP server CPU ms/create": 1_000 * used / tasks,
        **{f"in process {name}": value for name, value in in_process.items()},
    }


async def _over_http(url: str, tasks: int) -> Figures:
    """By connections that are spoken to by hand: a client library would take more of the machine than the server."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    numbers, taken = count(), list[float]()
    connections = [await asyncio.open_connection(host, port) for _ in range(CLIENTS)]

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (no := next(numbers)) < tasks:
            body = json.dumps(request("bench_checkout", no)).encode()
            head = f"POST /v1/tasks HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
            began = time.perf_counter()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await _answered(reader)
            taken.append((time.perf_counter() - began) * 1_000)

    began = time.perf_counter()
    await asyncio.gather(*(client(*connection) for connection in connections))
    rate = len(taken) / (time.perf_counter() - began)
    for _, writer in connections:
        writer.close()
    return {"created/s": rate} | percentiles(taken)


async def _answered(reader: asyncio.StreamReader) -> None:
    status, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    (length,) = (header.split(":")[1] for header in headers if header.startswith("content-length:"))
    body = await reader.readexactly(int(length))
    if " 201 " not in status:
        raise RuntimeError(f"{status}: {body[:200].decode()}")


def _in_process(client: TaskerClient, tasks: int) -> Figures:
    numbers, taken = count(), list[float]()
    together = threading.Barrier(CLIENTS)

    def create() -> None:
        together.wait()
        while (no := next(numbers)) < tasks:
            began = time.perf_counter()
            client.create_task(**request("bench_checkout", no))
            taken.append((time.perf_counter() - began) * 1_000)

    with ThreadPoolExecutor(CLIENTS) as threads:
        began = time.perf_counter()
        for done in [threads.submit(create) for _ in range(CLIENTS)]:
            done.result()
    return {"created/s": len(taken) / (time.perf_counter() - began)} | percentiles(taken)
