"""The physical limit: rows as wide as those that Tasker writes, written by pgbench with nothing around it.

Tasker inserts or updates 4.2 rows for a step (measured with A1: ``row writes/step``), of some 240 bytes on average. Ten
connections write rows of that width into a table without an index: each row with a commit of its own, or 100 in one
statement. What A1 wrote in a second (``row writes/s``) is compared with what they write in a second.
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from pathlib import Path

import psycopg

from bench.ground import Ground
from bench.rows import Figures, Row

WIDTH = 200
"""Bytes of text; the row's header, key and number come on top."""
CONNECTIONS = 10
A_BATCH = 100
TABLE = "create table written (task bigint not null, no integer not null, payload text not null)"
VALUES = f"(1, 1, '{'x' * WIDTH}')"


def rows(percent: int) -> list[Row]:
    singles, batches = max(500, 20_000 * percent // 100), max(50, 2_000 * percent // 100)
    return [
        Row("limit", "postgres", "one by one", "a commit a row", lambda g: _write(g, 1, singles), singles),
        Row(
            "limit", "postgres", "batches of 100", "100 rows an INSERT", lambda g: _write(g, A_BATCH, batches), batches
        ),
    ]


def _write(ground: Ground, a_batch: int, statements: int) -> Figures:
    insert = f"insert into written (task, no, payload) values {', '.join([VALUES] * a_batch)}"
    with ground.database() as url, ground.directory() as directory:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)
        pgbench = ground.server.installation.bin / "pgbench"
        each = max(1, statements // CONNECTIONS)
        if pgbench.exists():
            return {"rows/s": a_batch * _by_pgbench(pgbench, url, insert, each, directory)}
        return {"rows/s (psycopg, no pgbench here)": a_batch * _by_psycopg(url, insert, each)}


def _by_pgbench(pgbench: Path, url: str, insert: str, each: int, directory: Path) -> float:
    script = directory / "insert.sql"
    script.write_text(insert + ";\n")
    how = ["-n", "-M", "simple", "-c", str(CONNECTIONS), "-j", "2", "-t", str(each), "-f", str(script)]
    done = subprocess.run([pgbench, *how, url], capture_output=True, text=True, check=True, timeout=300)
    said = re.search(r"tps = ([\d.]+)", done.stdout)
    if said is None:
        raise RuntimeError(f"pgbench said no rate: {done.stdout}")
    return float(said[1])


def _by_psycopg(url: str, insert: str, each: int) -> float:
    connections = [psycopg.connect(url, autocommit=True) for _ in range(CONNECTIONS)]

    def write(connection: psycopg.Connection[tuple[object, ...]]) -> None:
        for _ in range(each):
            connection.execute(insert.encode())

    began = time.perf_counter()
    threads = [threading.Thread(target=write, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return CONNECTIONS * each / seconds
