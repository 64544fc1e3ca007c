"""Where a Tasker workload runs: a fresh database, the templates in it, and workers in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import templates
from bench.asking import beside
from bench.ground import Ground
from bench.meter import Meter
from bench.processes import cpu_seconds
from tasker_core import TaskerClient
from tasker_core.store import open_database

HERE = Path(__file__).resolve().parent.parent
WORKER = ("worker", "--handlers", "bench.handlers")


@dataclass(frozen=True, slots=True)
class Stage:
    """A database that is ready; ``kind`` is "sqlite" or "postgres"."""

    kind: str
    url: str
    meter: Meter

    @contextmanager
    def client(self) -> Iterator[TaskerClient]:
        with TaskerClient(database_url=self.url) as client:
            for template in templates.ALL:
                client.register_template(template)
            yield client

    @contextmanager
    def workers(self, count: int) -> Iterator[list[int]]:
        """``count`` worker processes, ready to claim; yields their process ids, stops them at the end."""
        with ExitStack() as stack:
            started = [stack.enter_context(self._command(*WORKER, ready="serves")) for _ in range(count)]
            yield [pid for pid, _ in started]

    @contextmanager
    def remote_worker(self, url: str) -> Iterator[int]:
        """A worker process that asks the server at ``url``; yields its process id."""
        with self._command(*WORKER, "--url", url, ready="serves") as (pid, _):
            yield pid

    @contextmanager
    def server(self) -> Iterator[tuple[int, str]]:
        """A server process; yields its process id and its URL."""
        with self._command("server", "--port", "0", ready="listens") as (pid, said):
            yield pid, said.split()[-1]

    @contextmanager
    def _command(self, *arguments: str, ready: str) -> Iterator[tuple[int, str]]:
        command = [sys.executable, "-m", "tasker_core.cli", *arguments]
        environment = {**os.environ, "TASKER_DATABASE_URL": self.url, "PYTHONPATH": str(HERE)}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=HERE) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            if ready not in said:
                raise RuntimeError(f"tasker {arguments[0]} didn't start: {said}")
            try:
                yield process.pid, said
            finally:
                process.terminate()
                process.wait(60)

    def wait_for(self, tasks: int, timeout: float = 600.0) -> None:
        """Return when ``tasks`` tasks are complete. Asks rarely: who measures must not disturb."""
        deadline = time.monotonic() + timeout
        with beside(self.url) as ask:
            while ask("done") < tasks:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{tasks} tasks weren't complete after {timeout:g} s")
                time.sleep(0.25)

    def wait_until_all_are_done(self, timeout: float = 600.0) -> None:
        with beside(self.url) as ask:
            tasks = ask("created")
        self.wait_for(tasks, timeout)

    def taken(self) -> float:
        """Seconds from the first create to the last completion, by the rows' times."""
        with beside(self.url) as ask:
            return ask("span_created") / 1e6

    def steps_a_second(self) -> float:
        """From the moment when all workers were at work to the last completion, by the rows' times."""
        with beside(self.url) as ask:
            since = ask("all_at_work")
            return ask("claimed_since", since=since) / ((ask("completed") - since) / 1e6)

    def started(self) -> float:
        """CPU seconds of a worker that has just started."""
        if self.kind not in _started:
            for _ in range(2):  # the first start may have had bytecode to write
                with self.workers(1) as (pid,):
                    _started[self.kind] = cpu_seconds(pid)
        return _started[self.kind]


_started: dict[str, float] = {}


@contextmanager
def sqlite_stage(ground: Ground) -> Iterator[Stage]:
    """A file on the ground's disk."""
    with ground.directory() as directory:
        yield Stage("sqlite", f"sqlite:///{directory}/tasker.db", Meter())


@contextmanager
def postgres_stage(ground: Ground) -> Iterator[Stage]:
    """A fresh database on the ground's server."""
    with ground.database() as url:
        with closing(open_database(url)) as database:
            database.migrate()
        yield Stage("postgres", url, ground.meter(url))


STAGES: dict[str, Callable[[Ground], AbstractContextManager[Stage]]] = {
    "sqlite": sqlite_stage, "postgres": postgres_stage,
}  # fmt: skip
