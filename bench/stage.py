"""Where a workload runs: a fresh database, the templates in it, and workers in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import templates
from tasker_core import TaskerClient
from tasker_core.store import open_database
from tasker_core.store.database import Call

HERE = Path(__file__).resolve().parent.parent
WORKER = [sys.executable, "-m", "tasker_core.cli", "worker", "--handlers", "bench.handlers"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A database that is ready; ``kind`` is "sqlite" or "postgres"."""

    kind: str
    url: str

    @contextmanager
    def client(self) -> Iterator[TaskerClient]:
        with TaskerClient(database_url=self.url) as client:
            for template in (templates.checkout(), templates.fan(8), templates.fan(1_000)):
                client.register_template(template)
            yield client

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        """``count`` worker processes, ready to claim; stopped at the end."""
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(self._worker())
            yield

    @contextmanager
    def _worker(self) -> Iterator[None]:
        environment = {**os.environ, "TASKER_DATABASE_URL": self.url, "PYTHONPATH": str(HERE)}
        with subprocess.Popen(WORKER, env=environment, stdout=subprocess.PIPE, text=True, cwd=HERE) as process:
            assert process.stdout is not None
            ready = process.stdout.readline()
            if "serves" not in ready:
                raise RuntimeError(f"the worker didn't start: {ready}")
            try:
                yield
            finally:
                process.terminate()
                process.wait(60)

    def wait_for(self, tasks: int, timeout: float = 600.0) -> None:
        """Return when ``tasks`` tasks are complete. Asks rarely: who measures must not disturb."""
        database = open_database(self.url)
        deadline = time.monotonic() + timeout
        wanted = {"namespace": None, "name": None, "state": "complete"}
        while database.read(Call("count_tasks", wanted))[0][0][0] < tasks:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{tasks} tasks weren't complete after {timeout:g} s")
            time.sleep(0.25)
        database.close()

    def span(self, first: str) -> float:
        """Seconds from the first ``first`` ("created" or "claimed") to the last completion, by the rows' times."""
        database = open_database(self.url)
        ((row,),) = database.read(Call(f"bench_span_{first}", {}))
        database.close()
        return float(row[0]) / 1e6


@contextmanager
def sqlite_stage() -> Iterator[Stage]:
    """A file in a temporary directory on the disk of the working directory."""
    with tempfile.TemporaryDirectory(prefix="tasker-bench-", dir=os.environ.get("TASKER_BENCH_DIR")) as directory:
        yield Stage("sqlite", f"sqlite:///{directory}/tasker.db")


@contextmanager
def postgres_stage() -> Iterator[Stage]:
    """A fresh database on a server of its own, with fsync and synchronous_commit on."""
    from tests.support.postgres import Server
    from tests.support.postgres_binaries import installations

    with Server(installations()[0], fsync=True, settings=POSTGRES_SETTINGS) as server:
        url = server.create_database()
        database = open_database(url)
        database.migrate()
        database.close()
        yield Stage("postgres", url)


POSTGRES_SETTINGS = {"shared_buffers": "512MB", "synchronous_commit": "on", "max_wal_size": "4GB"}
STAGES = {"sqlite": sqlite_stage, "postgres": postgres_stage}
