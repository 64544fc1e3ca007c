"""The file of sales: cut so that each row is in one piece, and counted once whatever dies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from examples.csv_batches.sales import Sums, add_rows, cut, write_sales
from tasker_core.store import open_database

ROOT = Path(__file__).parent.parent.parent
ROWS, KILLS, PACE = os.environ.get("TASKER_TEST_SALES", "20000 2 10").split()


@pytest.mark.parametrize("size", [1, 7, 64, 1_000, 10**6])
def test_the_pieces_hold_each_row_once(tmp_path: Path, size: int) -> None:
    path = tmp_path / "sales.csv"
    truth = write_sales(path, 300)
    pieces = list(cut(path, size))
    assert pieces[-1][1] == path.stat().st_size
    assert all(one[1] == next_one[0] for one, next_one in pairwise(pieces))
    sums: Sums = {}
    for start, end in pieces:
        while start < end:
            start, added = add_rows(path, start, end, 7, sums)
            assert added <= 7
        assert start == end
    assert dict(sorted(sums.items())) == truth


def test_a_file_without_rows_has_no_pieces(tmp_path: Path) -> None:
    write_sales(tmp_path / "sales.csv", 0)
    assert list(cut(tmp_path / "sales.csv", 10)) == []


@pytest.mark.parametrize("store", ["sqlite", "postgres"] if ROWS != "20000" else ["sqlite"])
def test_every_row_is_counted_once_though_workers_are_killed(request: pytest.FixtureRequest, store: str) -> None:
    command = [sys.executable, "-m", "examples.csv_batches", "--rows", ROWS, "--kills", KILLS, "--pace-ms", PACE]
    if store == "postgres":
        url = request.getfixturevalue("postgres_url")
        with closing(open_database(url)) as database:
            database.migrate()
        command += ["--database-url", url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1_800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"every one of {int(ROWS):,} rows was counted once" in done.stdout
    assert done.stdout.count("gets SIGKILL") == int(KILLS)
    told = re.search(r"(\d+) pieces, (\d+) checkpoints, .* (\d+) MiB at most", done.stdout)
    assert told is not None
    pieces, checkpoints, memory = map(int, told.groups())
    assert pieces >= int(ROWS) // 1_200 and checkpoints >= 4 * pieces
    assert memory < 200, "more than a worker needs, whatever the file's size"
    print(done.stdout)
