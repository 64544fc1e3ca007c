"""Tasks created in the application's own transaction: with the order or not at all."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from tasker_core import DuplicateTaskError, TaskerClient, TaskNotFoundError, Worker
from tasker_core.errors import InvalidRequestError, StoreError
from tasker_core.store.sqlite import SqliteDatabase
from tests.support.ordering import DEATHS, closing_after, connect, orders, prepare, tasks, write_order
from tests.support.workshop import Workshop
from tests.support.workshop.processes import CHECKOUT, environment


class Counter(NamedTuple):
    """What an application holds while it serves a customer: ``connection`` is what Tasker is given."""

    connection: Any
    write: Callable[[str], object]
    commit: Callable[[], object]
    rollback: Callable[[], object]


Way = Callable[[str], AbstractContextManager[Counter]]


@contextmanager
def driver(url: str, *, begin: str | None = None, **options: Any) -> Iterator[Counter]:
    with closing_after(connect(url, **options)) as connection:
        if begin:
            connection.execute(begin)
        yield Counter(connection, lambda no: write_order(connection, no), connection.commit, connection.rollback)


def engine_of(url: str, **options: Any) -> sa.Engine:
    if url.startswith("sqlite"):
        return sa.create_engine(f"sqlite:///{SqliteDatabase.from_url(url).path}", **options)
    return sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1), **options)


INSERT = sa.text("insert into orders values (:no)")


@contextmanager
def core(url: str, *, begin: bool = False) -> Iterator[Counter]:
    engine = engine_of(url)
    with engine.connect() as connection:
        if begin:
            connection.begin()
        yield Counter(
            connection, lambda no: connection.execute(INSERT, {"no": no}), connection.commit, connection.rollback
        )
    engine.dispose()


@contextmanager
def orm(url: str, *, scoped: bool = False) -> Iterator[Counter]:
    engine = engine_of(url)
    session: Any = scoped_session(sessionmaker(engine)) if scoped else Session(engine)
    yield Counter(session, lambda no: session.execute(INSERT, {"no": no}), session.commit, session.rollback)
    session.close()
    engine.dispose()


WAYS: dict[str, Way] = {
    "driver": driver,
    "core": core,
    "core-begun": lambda url: core(url, begin=True),
    "orm": orm,
    "orm-scoped": lambda url: orm(url, scoped=True),
}


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    prepare(url)
    return url


@pytest.fixture
def client(url: str) -> Iterator[TaskerClient]:
    with TaskerClient(database_url=url) as client:
        yield client


@pytest.fixture(params=WAYS)
def counter(request: pytest.FixtureRequest, url: str) -> Iterator[Counter]:
    with WAYS[request.param](url) as counter:
        yield counter


def create(client: TaskerClient, connection: object, order: str = "1", **wishes: Any) -> str:
    wishes = {"namespace": "shop", "context": {"order": order}, "connection": connection, **wishes}
    return client.create_task("flow", **wishes).task_uuid


@pytest.mark.parametrize("first", ["order", "task"])
def test_the_order_and_its_task_are_there_with_the_commit(
    url: str, client: TaskerClient, counter: Counter, first: str
) -> None:
    if first == "order":
        counter.write("1")
    task = client.create_task("flow", namespace="shop", context={"order": "1"}, connection=counter.connection)
    if first == "task":
        counter.write("1")
    assert (orders(url), tasks(url)) == (set(), set())
    with pytest.raises(TaskNotFoundError):
        client.get_task(task.task_uuid)
    counter.commit()
    assert (orders(url), tasks(url)) == ({"1"}, {"1"})
    assert client.get_task(task.task_uuid) == task


def test_a_task_alone_is_there_with_the_commit(url: str, client: TaskerClient, counter: Counter) -> None:
    create(client, counter.connection)
    counter.commit()
    assert tasks(url) == {"1"}


def test_neither_is_there_after_a_rollback(url: str, client: TaskerClient, counter: Counter) -> None:
    counter.write("1")
    create(client, counter.connection)
    counter.rollback()
    assert (orders(url), tasks(url)) == (set(), set())
    create(client, counter.connection)
    counter.write("1")
    counter.commit()
    assert (orders(url), tasks(url)) == ({"1"}, {"1"})


def test_a_duplicate_is_refused_and_the_transaction_goes_on(url: str, client: TaskerClient, counter: Counter) -> None:
    theirs = create(client, None, "1")
    counter.write("1")
    own = create(client, counter.connection, "2")
    for order, existing in (("1", theirs), ("2", own)):
        with pytest.raises(DuplicateTaskError) as refused:
            create(client, counter.connection, order)
        assert refused.value.task_uuid == existing
        assert create(client, counter.connection, order, on_duplicate="return") == existing
    counter.write("2")
    counter.commit()
    assert (orders(url), tasks(url)) == ({"1", "2"}, {"1", "2"})


def test_many_are_created_all_or_none_and_the_transaction_goes_on(
    url: str, client: TaskerClient, counter: Counter
) -> None:
    create(client, None, "2")
    wishes = [{"name": "flow", "namespace": "shop", "context": {"order": str(no)}} for no in range(4)]
    counter.write("1")
    with pytest.raises(DuplicateTaskError):
        client.create_tasks(wishes, connection=counter.connection)
    counter.commit()
    assert (orders(url), tasks(url)) == ({"1"}, {"2"})
    made = client.create_tasks(wishes, on_duplicate="return", connection=counter.connection)
    assert [task.context["order"] for task in made] == ["0", "1", "2", "3"]
    counter.rollback()
    assert tasks(url) == {"2"}


def test_a_create_that_is_repeated_is_answered_with_its_task(url: str, client: TaskerClient, counter: Counter) -> None:
    own = "01980000-0000-7000-8000-00000000000a"
    assert create(client, counter.connection, task_uuid=own) == create(client, counter.connection, task_uuid=own) == own
    counter.commit()
    assert create(client, counter.connection, task_uuid=own) == own


def test_a_wish_that_is_wrong_changes_nothing(url: str, client: TaskerClient, counter: Counter) -> None:
    counter.write("1")
    for wish in ({"priority": 101}, {"version": "9.9.9"}, {"context": {"order": object()}}):
        with pytest.raises(ValueError if "version" not in wish else RuntimeError):
            create(client, counter.connection, **wish)
    counter.commit()
    assert (orders(url), tasks(url)) == ({"1"}, set())


def test_a_statement_that_fails_undoes_itself_alone(url: str, client: TaskerClient, counter: Counter) -> None:
    with closing_after(connect(url)) as other:
        if url.startswith("sqlite"):
            other.execute("create trigger full before insert on tasker_steps begin select raise(abort, 'no room'); end")
        else:
            other.execute(
                "create function full_up() returns trigger language plpgsql as $$ begin raise 'no room'; end $$"
            )
            other.execute("create trigger full_up before insert on tasker.steps execute function full_up()")
        other.commit()
    counter.write("1")
    with pytest.raises(StoreError, match="no room"):
        create(client, counter.connection)
    counter.write("2")
    counter.commit()
    assert (orders(url), tasks(url)) == ({"1", "2"}, set())


def test_a_failure_before_anything_was_written_leaves_no_transaction_behind(url: str, client: TaskerClient) -> None:
    with driver(url) as counter:
        with pytest.raises(InvalidRequestError):
            create(client, counter.connection, priority=101)
        create(client, None)
        with pytest.raises(DuplicateTaskError):
            create(client, counter.connection)
        if isinstance(counter.connection, sqlite3.Connection):
            assert not counter.connection.in_transaction
        else:
            assert counter.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_workers_find_the_task_after_the_commit(url: str, workshop: Workshop) -> None:
    workshop.handler("cart")(lambda: {"total": 42})
    with (
        Worker.start(database_url=url),
        TaskerClient(database_url=url) as client,
        driver(url) as counter,
    ):
        lost = create(client, counter.connection, "lost")
        counter.rollback()
        task = create(client, counter.connection, "kept")
        counter.commit()
        assert client.wait(task, 20).status == "complete"
        with pytest.raises(TaskNotFoundError):
            client.get_task(lost)


def test_no_death_leaves_an_order_without_its_task_or_a_task_without_its_order(url: str) -> None:
    command = [sys.executable, "-m", "tests.support.ordering", url]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment(), capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == [-signal.SIGKILL] * 7, done.stderr
    assert orders(url) == tasks(url)
    assert len(orders(url)) >= len(DEATHS) + 1, "each child's first order, and the second where the commit was before"
