"""Through PgBouncer in transaction mode: the store's own tests, a worker's run, and nothing left in sessions."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

import psycopg
import pytest

from tasker_core import DuplicateTaskError, TaskerClient
from tasker_core.rules.diagnosis import CheckKind, Level
from tasker_core.store import Store, open_database
from tasker_core.store.postgres import PostgresDatabase
from tasker_core.store.postgres_pool import PLANNER
from tests.store.subset import *  # noqa: F403  # the tests, collected here once more, on this module's stores
from tests.support.ordering import orders, prepare, tasks, write_order
from tests.support.pgbouncer import pgbouncer, pgbouncer_program
from tests.support.postgres_address import Address
from tests.support.workshop import Background, flow
from tests.support.workshop.handlers import ledger

ADVISORY_LOCKS = """
select count(*) from pg_locks l join pg_database d on d.oid = l.database
where l.locktype = 'advisory' and d.datname = current_database()
"""
GRAPH = {"cart": [], "pay": ["cart"], "pack": ["cart"], "ship": ["pay", "pack"]}


@pytest.fixture(scope="module")
def pooled(postgres_server: Address) -> Iterator[Address]:
    """The run's server behind a PgBouncer whose four server connections are shared by everybody."""
    if pgbouncer_program() is None:
        pytest.skip(
            "no pgbouncer on this machine (Debian: apt-get install pgbouncer): NOTHING was tried through a pooler"
        )
    with pgbouncer(postgres_server, settings={"default_pool_size": "4"}) as address:
        assert address is not None
        yield address


@pytest.fixture
def pooled_url(pooled: Address) -> Iterator[str]:
    with pooled.database() as url:
        yield url


@pytest.fixture(scope="module")
def pooled_url_of_the_suite(pooled: Address) -> Iterator[str]:
    with pooled.database() as url:
        yield url


@pytest.fixture
def store_url(pooled_url_of_the_suite: str) -> str:
    """An empty store behind the pooler."""
    return f"{pooled_url_of_the_suite}?tasker_schema=t{secrets.token_hex(6)}"


def test_it_is_recognised(store: Store) -> None:
    assert isinstance(store.database, PostgresDatabase)
    store.steps.next_due()
    assert store.database.is_pooled
    assert not store.database.hears(), "LISTEN can't be heard through it"


def test_nothing_is_left_in_the_sessions_that_others_get(pooled_url: str, tmp_path: Path) -> None:
    _work_through(pooled_url, tmp_path)
    with psycopg.connect(pooled_url, autocommit=True, prepare_threshold=None) as other:
        for _ in range(20):  # whichever server connection is next
            for name in PLANNER:
                assert other.execute(f"show {name}".encode()).fetchone() == ("on",)
            assert other.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)
            assert other.execute(ADVISORY_LOCKS).fetchone() == (0,)


def test_hints_are_heard_by_a_connection_past_it(pooled_url: str, postgres_server: Address) -> None:
    direct = postgres_server.url(pooled_url.rpartition("/")[2])
    heard: Queue[str] = Queue()
    over = threading.Event()
    with closing(PostgresDatabase(pooled_url, listen_url=direct)) as database:
        assert database.hears()
        listener = threading.Thread(target=database.listen, args=(heard.put, over))
        listener.start()
        while heard.empty():  # until the listener listens
            database.hint("something is ready")
            time.sleep(0.02)
        over.set()
        listener.join()
        assert database.is_pooled
    assert heard.get() == "something is ready"


def test_the_doctor_recognises_it_and_tells_whether_there_is_a_way_past_it(
    pooled_url: str, postgres_server: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_database(pooled_url)) as database:
        database.migrate()
    hints = {}
    for way in (None, postgres_server.url(pooled_url.rpartition("/")[2]), postgres_server.url(), pooled_url):
        if way:
            monkeypatch.setenv("TASKER_LISTEN_URL", way)
        with TaskerClient(database_url=pooled_url) as client:
            (hints[way],) = (check for check in client.doctor().checks if check.kind is CheckKind.HINTS)
    none, past, elsewhere, through = hints.values()
    assert none.level is Level.OK and "PgBouncer" in none.text and "TASKER_LISTEN_URL" in none.advice
    assert past.level is Level.OK and "is heard of after" in past.text
    assert elsewhere.level is Level.WARNING and "no hint was heard" in elsewhere.text
    assert through.level is Level.WARNING


@pytest.mark.parametrize("store_is_pooled", [True, False])
def test_an_order_and_its_task_are_one_transaction(
    pooled_url: str, postgres_server: Address, store_is_pooled: bool
) -> None:
    """The application's connection goes through the pooler, which is the store's database all the same."""
    direct = postgres_server.url(pooled_url.rpartition("/")[2])
    prepare(direct)
    with TaskerClient(database_url=pooled_url if store_is_pooled else direct) as client:
        for no in range(10):
            with closing(psycopg.connect(pooled_url, prepare_threshold=None)) as connection:
                write_order(connection, str(no))
                create = partial(client.create_task, "flow", namespace="shop", context={"order": str(no)})
                create(connection=connection)
                with pytest.raises(DuplicateTaskError):
                    create(connection=connection)
                connection.commit() if no % 2 else connection.rollback()
    assert orders(direct) == tasks(direct) == {"1", "3", "5", "7", "9"}


def _work_through(url: str, directory: Path) -> None:
    """Two workers finish twenty tasks."""
    book = directory / "ledger.db"
    with ledger(book):
        pass
    with closing(open_database(url)) as database:
        database.migrate()
    with TaskerClient(database_url=url) as client:
        client.register_template(_template())
        arguments = ("worker", "--handlers", "tests.support.workshop.handlers", "--concurrency", "4")
        with (
            Background(*arguments, log=directory / "one.log", url=url),
            Background(*arguments, log=directory / "two.log", url=url),
        ):
            context = {"ledger": str(book), "nap": 0.01}
            tasks = [client.create_task("flow", namespace="shop", context={**context, "no": no}) for no in range(20)]
            assert {client.wait(task.task_uuid, 30).status for task in tasks} == {"complete"}
    with ledger(book) as entries:
        (effects,) = entries.execute("select count(*) from effects").fetchone()
    assert effects == 20 * len(GRAPH)


def _template() -> dict[str, Any]:
    template = flow(GRAPH)
    for step in template["steps"]:
        step["handler"] = {"callable": "note"}
    return template
