"""The PostgreSQL servers that one test run shares: started by whichever test needs one first, ended with the run.

The process that controls the run holds a pipe open. Each server is watched over that pipe (see ``Server``), so it ends
when the run does, however the run ends; no worker process of the run owns it.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.postgres import Server
from tests.support.postgres_address import Address
from tests.support.postgres_binaries import PostgresUnavailableError, installations, why_none

GIVEN_URL = "TASKER_TEST_DATABASE_URL"
RUN_DIRECTORY = "TASKER_TEST_RUN_DIRECTORY"
GIVEN = "postgres-given"
NONE_FOUND = "postgres-none-found"

_started: list[Server] = []


def servers() -> tuple[str, ...]:
    """Returns the names of the servers to test with: the given one, else one for each PostgreSQL version found.

    The first is the one for tests that need only one. With no PostgreSQL at all there is still a name, whose server
    fails to start and says why: tests that need one fail, they aren't skipped.
    """
    if os.environ.get(GIVEN_URL):
        return (GIVEN,)
    return tuple(each.name for each in installations()) or (NONE_FOUND,)


@functools.cache
def shared_server(name: str) -> Address:
    """Returns the address of this run's server of that name, which the first caller of the run starts."""
    if name == GIVEN:
        return _given(os.environ[GIVEN_URL])
    directory = Path(os.environ[RUN_DIRECTORY])
    with _one_at_a_time(directory / f"{name}.lock"):
        record = directory / f"{name}.json"
        if not record.exists():
            _start(name, record)
        written = json.loads(record.read_text())
    return Address(written["base"], tuple(written["version"]))


@contextmanager
def shared_servers() -> Iterator[None]:
    """Spans a run: makes the directory its processes meet in, and at the end stops the servers they started."""
    directory = Path(tempfile.mkdtemp(prefix="tasker-run-"))
    os.mkfifo(directory / "alive", 0o600)
    alive = os.open(directory / "alive", os.O_RDWR)
    os.environ[RUN_DIRECTORY] = str(directory)
    try:
        yield
    finally:
        del os.environ[RUN_DIRECTORY]
        os.close(alive)
        _wait_until_gone([Path(json.loads(record.read_text())["directory"]) for record in directory.glob("*.json")])
        shutil.rmtree(directory)


def _start(name: str, record: Path) -> None:
    chosen = [each for each in installations() if each.name == name]
    if not chosen:
        raise PostgresUnavailableError(why_none() if name == NONE_FOUND else f"no installation of {name} was found")
    with (record.parent / "alive").open("rb") as alive:
        server = Server(chosen[0], fsync=False, watched=alive)
        try:
            server.start()
        except BaseException:
            server.close()
            raise
    _started.append(server)  # keeps the process objects, which complain when they go before their processes do
    server_record = {"base": server.url(), "version": server.version, "directory": str(server.directory)}
    record.write_text(json.dumps(server_record))


def _given(url: str) -> Address:
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            number = connection.info.server_version
    except psycopg.Error as error:
        raise PostgresUnavailableError(f"{GIVEN_URL} is set, but no connection could be made: {error}") from error
    return Address(url, (number // 10_000, number % 10_000))


def _wait_until_gone(directories: list[Path]) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and any(directory.exists() for directory in directories):
        time.sleep(0.05)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
