"""The FastAPI shop and its neighbours, each a process of its own, with HTTP clients to talk to them."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psycopg

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "fastapi-shop"
PATIENCE = 60.0
HANDLERS = "fastapi_shop.handlers"


class Town:
    """A directory for logs and books, a database, and the processes that were started here, by name."""

    def __init__(self, directory: Path, database_url: str) -> None:
        self._directory, self._url = directory, database_url
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._clients: dict[str, httpx.Client] = {}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TASKER_", "SHOP_", "PG"))},
            "DATABASE_URL": database_url,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(SHOP), str(ROOT)]),
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
            "SHOP_WORKER": "1",
        }

    @property
    def shop(self) -> httpx.Client:
        """The application."""
        return self._clients["application"]

    @property
    def one(self) -> httpx.Client:
        """Tasker's first server."""
        return self._clients["one"]

    @property
    def two(self) -> httpx.Client:
        """Tasker's second server, over the same database."""
        return self._clients["two"]

    def migrate(self) -> None:
        self._run("migrate", "tasker_core.cli", "migrate").wait(PATIENCE)

    def start_gateway(self) -> None:
        url = self._serve(
            "gateway", r"gateway listening on (\S+)",
            "examples.checkout.gateway", "--port", "0", "--ledger", str(self._directory / "ledger.db"),
        )  # fmt: skip
        self._environment["SHOP_GATEWAY_URL"] = url

    def start_application(self) -> None:
        self._serve("application", r"running on (\S+)", "uvicorn", "fastapi_shop.app:app", "--port", "0")

    def start_server(self, name: str) -> None:
        self._serve(name, r"server listens at (\S+)", "tasker_core.cli", "server", "--port", "0")

    def start_worker(self) -> None:
        templates = str(SHOP / "config" / "tasks")
        self._run("worker", "tasker_core.cli", "worker", "--handlers", HANDLERS, "--templates", templates)

    def stop(self, name: str, sign: signal.Signals) -> int:
        """End a process; its exit code."""
        process = self._running.pop(name)
        if (client := self._clients.pop(name, None)) is not None:
            client.close()
        process.send_signal(sign)
        return process.wait(PATIENCE)

    def task(self, task_uuid: str) -> dict[str, Any]:
        """How far a task is, as the application tells."""
        found: dict[str, Any] = self.shop.get(f"/tasks/{task_uuid}").json()
        return found

    def at_rest(self, task_uuid: str) -> dict[str, Any]:
        """Wait with one of the servers until the task is at rest; how it then is, as the application tells."""
        self.two.get(f"/v1/tasks/{task_uuid}", params={"wait_ms": 20_000}).raise_for_status()
        return self.task(task_uuid)

    def charges(self, task: dict[str, Any], step: str) -> list[dict[str, Any]]:
        return self.charges_of(f"{task['task_uuid']}:{step}")

    def charges_of(self, key: str) -> list[dict[str, Any]]:
        """What the gateway has in its ledger under an idempotency key."""
        found = self._clients["gateway"].get("/charges", params={"idempotency_key": key}).json()
        charges: list[dict[str, Any]] = found["charges"]
        return charges

    def mails(self) -> set[str]:
        """What the mails in the outbox are about."""
        return {about for (about,) in self._query("select about from mails")}

    def count(self, table: str) -> int:
        ((count,),) = self._query(f"select count(*) from {table}")
        return int(count)

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        if self._url.startswith("sqlite"):
            with closing(sqlite3.connect(self._url.removeprefix("sqlite:///"), timeout=10)) as connection:
                return connection.execute(sql).fetchall()
        with psycopg.connect(self._url) as connection:
            return connection.execute(sql.encode()).fetchall()

    def _run(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env=self._environment,
            )
        self._running[name] = process
        return process

    def _serve(self, name: str, announcement: str, *arguments: str) -> str:
        self.log(name).write_bytes(b"")
        process = self._run(name, *arguments)
        deadline = time.monotonic() + PATIENCE
        while (said := re.search(announcement, self.log(name).read_text("utf-8"))) is None:
            assert process.poll() is None, f"{name} ended:\n{self.log(name).read_text('utf-8')}"
            assert time.monotonic() < deadline, f"{name} never listened:\n{self.log(name).read_text('utf-8')}"
            time.sleep(0.02)
        self._clients[name] = httpx.Client(base_url=said[1], timeout=30)
        return said[1]

    def log(self, name: str) -> Path:
        """What a process printed."""
        return self._directory / f"{name}.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            client.close()
        for process in self._running.values():
            process.kill()
            process.wait()
