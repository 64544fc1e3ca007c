"""Several processes on one SQLite file: they migrate it, write to it and finish each other's work at the same time."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.pool import Pool
from pathlib import Path

import pytest

from tasker_core.store import Store, open_database
from tests.support.graphs import Stage, complete, orphans, tables

PROCESSES = 4


@pytest.fixture(scope="module")
def processes() -> Iterator[Pool]:
    """Started before the test looks at its watch, so that they really meet."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        pool.map(abs, range(PROCESSES * 4), chunksize=1)
        yield pool
        pool.close()
        pool.join()


def at_once(pool: Pool, work: Callable[[str], list[int]], url: str) -> list[list[int]]:
    return pool.map(work, [url] * PROCESSES, chunksize=1)


def migrate(url: str) -> list[int]:
    database = open_database(url)
    applied = database.migrate()
    Stage(Store(database))
    database.close()
    return [len(applied)]


def create(url: str) -> list[int]:
    stage = Stage(Store(open_database(url)))
    shape = stage.template({"a": [], "b": [], "join": ["a", "b"]})
    numbers = [stage.task(shape) for _ in range(40)]
    stage.store.close()
    return numbers


def work_off(url: str) -> list[int]:
    """Runs whatever there is, one step at a time; the numbers of the tasks that it finished."""
    stage = Stage(Store(open_database(url)))
    finished: list[int] = []
    idle = 0
    while idle < 20:
        held = stage.claim("shop/a", "shop/b", "shop/join", room=1)
        idle = 0 if held else idle + 1
        finished += stage.settle(*map(complete, held)).rested if held else ()
    stage.store.close()
    return finished


def test_processes_that_open_a_new_file_at_once_migrate_it_once(processes: Pool, tmp_path: Path) -> None:
    for n in range(5):
        url = f"sqlite:///{tmp_path}/new{n}.db"
        migrations = len(list(Path(sys.modules[Store.__module__].__file__ or "").parent.glob("sql/migrations/*.sql")))
        assert sorted(at_once(processes, migrate, url)) == [[0]] * (PROCESSES - 1) + [[migrations]]
        store = Store(open_database(url))
        assert len(store.workers.live()) == PROCESSES
        store.close()


def test_processes_that_write_at_once_lose_nothing(processes: Pool, sqlite_url: str) -> None:
    migrate(sqlite_url)
    created = [number for numbers in at_once(processes, create, sqlite_url) for number in numbers]
    assert len(created) == len(set(created)) == 40 * PROCESSES

    finished = [number for numbers in at_once(processes, work_off, sqlite_url) for number in numbers]
    store = Store(open_database(sqlite_url))
    left = {task for task, state in store.tasks.states(created).items() if state != "complete"}
    assert left == set()
    assert sorted(finished) == sorted(created), "each task was finished by one process, once"
    assert len(tables(store, "attempts")["attempts"]) == 3 * len(created)
    assert set(orphans(store).values()) == {0}
    store.close()


FORK = """
import os, sys
from tasker_core.store import Store, open_database
from tests.support.graphs import Stage, complete

database = open_database(sys.argv[1])
database.migrate()
stage = Stage(Store(database))
shape = stage.template({"a": [], "b": ["a"]})
task = stage.task(shape)
stage.store.templates.mark()

def in_a_child(work, while_it_runs=lambda: None):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    while_it_runs()
    assert os.waitpid(child, 0)[1] == 0

def claim_and_settle():
    assert stage.state(task) == "steps_in_process"
    (held,) = stage.claim("shop/a")
    stage.settle(complete(held))

in_a_child(claim_and_settle)
(held,) = stage.claim("shop/b")

in_a_child(lambda: stage.hire(name="child"), lambda: stage.hire(name="parent"))
assert sorted(worker.name for worker in stage.store.workers.live()) == ["child", "parent", "w"]
assert stage.settle(complete(held)).rested == {task: "complete"}
in_a_child(database.close)
stage.hire()
in_a_child(stage.hire)
assert len(stage.store.workers.live()) == 5
database.close()
print("survived")
"""


def test_a_store_that_was_opened_before_a_fork_works_on_both_sides(sqlite_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORK, f"sqlite:///{sqlite_path}"],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (run.stderr, run.stdout) == ("", "survived\n")
    with sqlite3.connect(sqlite_path) as beside:
        assert beside.execute("pragma integrity_check").fetchall() == [("ok",)]
    beside.close()
