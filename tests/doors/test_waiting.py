"""``tasker worker`` and ``tasker server`` beside a database that isn't there yet, or never will be."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tasker_core import TaskerClient
from tasker_core.cli.waiting import open_patiently
from tasker_core.errors import StoreUnavailableError, StoreVersionError
from tasker_core.settings import load_settings
from tasker_core.store import open_database
from tests.support.postgres import Server
from tests.support.postgres_address import Address
from tests.support.postgres_binaries import installations
from tests.support.workshop import Background, flow, tasker

WORKER = ("worker", "--handlers", "tests.support.workshop.handlers")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(installations()[0], fsync=False) as server:
        yield server


def test_a_worker_and_a_server_that_start_before_their_database_wait_for_it(server: Server, tmp_path: Path) -> None:
    url = server.create_database()
    with closing(open_database(url)) as database:
        database.migrate()
    with TaskerClient(database_url=url) as client:
        client.register_template(flow({"greet": []}))
    server.stop("fast")
    with (
        Background(*WORKER, log=tmp_path / "worker", url=url) as worker,
        Background("server", "--port", "0", log=tmp_path / "server", url=url) as http,
    ):
        for waiting in (worker, http):
            waiting.await_line("can't be reached")
            waiting.await_line("trying again for")
        server.start()
        worker.await_line("serves 1 handlers")
        http.await_line("server listens at")
        with TaskerClient(database_url=url) as client:
            task = client.create_task("flow", namespace="shop", context={"name": "Ann"})
            assert client.wait(task.task_uuid, 30).status == "complete"


def test_a_worker_that_waits_can_be_stopped(tmp_path: Path) -> None:
    with Background(*WORKER, log=tmp_path / "log", url=NOBODY) as worker:
        worker.await_line("trying again for 60 s")
        worker.signal(signal.SIGTERM)
        assert worker.wait(10) == 0


def test_it_waits_no_longer_than_it_was_told(tmp_path: Path) -> None:
    told = tasker(*WORKER, "--wait-for-database", "1.5", cwd=tmp_path, url=NOBODY)
    assert told.code == 1 and "trying again for " in told.err
    assert told.err.splitlines()[-1].startswith("error: ") and "Traceback" not in told.err
    told = tasker(*WORKER, cwd=tmp_path, url=NOBODY, TASKER_DATABASE_WAIT_SECONDS="0")
    assert told.code == 1 and "trying again" not in told.err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("password", "password authentication failed"), ("host", "failed to resolve"), ("database", "does not exist")],
)
def test_what_waiting_will_not_mend_is_said_at_once(
    postgres_server: Address, wrong: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = urlsplit(postgres_server.base)
    password = "s3cret" if wrong == "password" else parts.password
    host = "nobody.invalid" if wrong == "host" else parts.hostname
    name = "nowhere" if wrong == "database" else "postgres"
    url = f"postgresql://{parts.username}:{password}@{host}:{parts.port}/{name}"
    with pytest.raises(StoreUnavailableError, match=said) as raised:
        open_patiently(load_settings({"database": {"url": url}}))
    assert not raised.value.retryable and capsys.readouterr().err == ""


def test_a_database_without_tables_is_said_at_once(postgres_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StoreVersionError, match="run: tasker migrate"):
        open_patiently(load_settings({"database": {"url": postgres_url}}))
    assert capsys.readouterr().err == ""


NOBODY = "postgresql://shop:s3cret@127.0.0.1:2/shop"
"""An address at which nothing listens."""
