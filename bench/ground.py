"""What one round of measurements stands on: a PostgreSQL server for all its rows, and directories on one disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from bench.meter import Meter
from tests.support.postgres import Server
from tests.support.postgres_binaries import installations

SETTINGS = {"shared_buffers": "512MB", "synchronous_commit": "on", "max_wal_size": "4GB", "track_io_timing": "off"}
SHOWN = ("server_version", "fsync", "full_page_writes", "wal_sync_method", "max_connections", *SETTINGS)


class Ground:
    """A context manager. The server, with fsync and synchronous_commit on, starts when a database is wanted."""

    def __init__(self) -> None:
        self._server: Server | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def server(self) -> Server:
        if self._server is None:
            server = Server(installations()[0], fsync=True, settings=SETTINGS)
            server.start()
            self._server = server
        return self._server

    @contextmanager
    def database(self) -> Iterator[str]:
        """An empty database; gone afterwards, and what it left to be written is written before the next row begins."""
        url = self.server.create_database()
        try:
            yield url
        finally:
            self.server.address.drop_database(url)
            with psycopg.connect(self.server.url(), autocommit=True) as connection:
                connection.execute("checkpoint")

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """An empty directory, on the disk of TASKER_BENCH_DIR or of the usual temporary files."""
        with tempfile.TemporaryDirectory(prefix="tasker-bench-", dir=os.environ.get("TASKER_BENCH_DIR")) as directory:
            yield Path(directory)

    def meter(self, url: str) -> Meter:
        """Reads what a stretch costs the database at ``url`` (PostgreSQL's, else nobody's)."""
        return Meter(url, (self.server_pid,)) if url.startswith("postgres") else Meter()

    @property
    def server_pid(self) -> int:
        return int((self.server.directory / "data" / "postmaster.pid").read_text().split()[0])

    def settings(self) -> dict[str, str]:
        """PostgreSQL's settings that matter here, as the running server tells them."""
        with psycopg.connect(self.server.url()) as connection:
            told = connection.execute("select name, setting, unit from pg_settings where name = any(%s)", [list(SHOWN)])
            return {name: f"{setting}{f' x {unit}' if unit else ''}" for name, setting, unit in told}
