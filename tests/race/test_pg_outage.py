"""PostgreSQL goes away and comes back, or isn't there to begin with."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from tasker_core import TaskerClient, Worker
from tasker_core.engine.open import open_engine
from tasker_core.errors import StoreError, StoreUnavailableError
from tasker_core.registry import HandlerRegistry
from tasker_core.step_handler import step_handler
from tasker_core.store import open_database
from tests.support.postgres import Server, StopMode
from tests.support.postgres_address import Address
from tests.support.postgres_binaries import installations
from tests.support.reckoning import Reckoning
from tests.support.workshop import eventually, flow, tasker

TASKS, AWAY = 4, 2.5
GRAPH = {"first": [], "second": ["first"]}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(installations()[0], fsync=False) as server:
        yield server


@pytest.fixture(autouse=True)
def no_worker_left() -> Iterator[None]:
    yield
    Worker.reset_instance()
    HandlerRegistry.reset_instance()


@pytest.mark.parametrize("mode", ["fast", "kill"])
def test_handlers_keep_their_results_until_the_database_is_back(server: Server, mode: StopMode) -> None:
    url = server.create_database()
    with closing(open_database(url)) as database:
        database.migrate()
    running, may_end, calls = threading.Semaphore(0), threading.Event(), []

    def first() -> dict[str, str]:
        calls.append("first")
        running.release()
        may_end.wait(30)
        return {}

    def second() -> dict[str, str]:
        calls.append("second")
        return {}

    HandlerRegistry.reset_instance()
    registry = HandlerRegistry.instance(skip_bootstrap=True)
    handlers: dict[str, Any] = {"first": first, "second": second}
    for name, handler in handlers.items():
        registry.register(name, step_handler(name)(handler))
    with TaskerClient(database_url=url) as client:
        client.register_template(flow(GRAPH))
        with Worker.start(database_url=url) as worker:
            known_as = worker.worker_id
            tasks = [client.create_task("flow", namespace="shop", context={"no": no}) for no in range(TASKS)]
            for _ in tasks:
                assert running.acquire(timeout=20)
            engine = worker.service.engine
            eventually(lambda: engine.hears_hints, what="LISTEN")
            server.stop(mode)
            may_end.set()
            time.sleep(AWAY)
            assert worker.is_running
            server.start()
            for task in tasks:
                assert client.wait(task.task_uuid, 30).status == "complete"
            eventually(lambda: engine.hears_hints, what="LISTEN after the outage")
            assert worker.is_running
            assert worker.worker_id == known_as
    assert sorted(calls) == ["first"] * TASKS + ["second"] * TASKS, "nothing ran twice"
    with closing(Reckoning(url)) as reckoning:
        assert reckoning.complaints(tasks=TASKS, steps=TASKS * len(GRAPH)) == []
        assert reckoning.endings() == {"ok": TASKS * len(GRAPH)}


def test_hints_of_others_are_heard_again_after_an_outage(server: Server) -> None:
    url = server.create_database()
    with closing(open_database(url)) as database:
        database.migrate()
    one, other = open_engine(url), open_engine(f"{url}?application_name=other")
    heard = threading.Event()

    class Listener:
        def hint(self, lanes: object) -> None:
            if lanes is not None:
                heard.set()

    end = one.wake.listen(Listener())  # type: ignore[arg-type]  # a hint is all that it is told here
    one.hear_hints()

    def is_heard() -> bool:
        other.wake.ready({"shop/pay": 0})
        return heard.wait(0.1)

    eventually(is_heard, what="a hint")
    server.restart("immediate")
    heard.clear()
    eventually(is_heard, what="a hint after the restart")
    end()
    one.close()
    other.close()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("password", "password authentication failed"),
        ("host", "nobody.invalid"),
        ("port", "[Rr]efused"),
        ("database", 'database "nowhere" does not exist'),
        ("role", "password authentication failed"),
    ],
)
def test_who_cannot_connect_is_told_where_and_why(postgres_server: Address, what: str, said: str) -> None:
    url, place = _wrong(postgres_server, what)
    with pytest.raises(StoreUnavailableError, match=said) as raised:
        open_engine(url)
    assert str(raised.value).startswith(f"{place} can't be reached: "), "the host, port and database come first"
    told = "".join(traceback.format_exception(raised.value))
    assert "s3cret" not in told
    assert str(urlsplit(postgres_server.base).password) not in told


def test_whether_hints_are_heard_cannot_be_said_of_a_server_that_is_away(postgres_server: Address) -> None:
    """Hints are heard in a thread of their own, which only knows the store's errors."""
    url, place = _wrong(postgres_server, "port")
    with closing(open_database(url)) as database, pytest.raises(StoreUnavailableError, match=place):
        database.hears()


def test_the_command_says_it_in_one_line(postgres_server: Address) -> None:
    url, place = _wrong(postgres_server, "password")
    done = tasker("task", "list", url=url)
    assert done.code not in (0, 2)
    assert done.err.startswith(f"error: {place} can't be reached: ")
    assert "Traceback" not in done.err + done.out
    assert "s3cret" not in done.err + done.out


def test_an_unknown_option_of_libpq_is_named(postgres_server: Address) -> None:
    with pytest.raises(StoreError, match="sslmod"):
        open_engine(f"{postgres_server.base}?sslmod=require")


def _wrong(server: Address, what: str) -> tuple[str, str]:
    """A URL that is wrong in one place, and the place that its error should name."""
    parts = urlsplit(server.base)
    user, password, host, port, name = parts.username, parts.password, parts.hostname, parts.port, "postgres"
    match what:
        case "password":
            password = "s3cret"
        case "host":
            host = "nobody.invalid"
        case "port":
            port = 1
        case "database":
            name = "nowhere"
        case "role":
            user, password = "nobody", "s3cret"
    return f"postgresql://{user}:{password}@{host}:{port}/{name}", f"{host}:{port}/{name}"
