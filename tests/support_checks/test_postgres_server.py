"""The servers that other tests rely on: started for real, stopped in every way, gone when their process is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import Server, StopMode
from tests.support.postgres_address import Address
from tests.support.postgres_binaries import (
    Account,
    PostgresUnavailableError,
    installations,
    server_account,
)
from tests.support.postgres_run import GIVEN, GIVEN_URL, NONE_FOUND, servers, shared_server, shared_servers

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=installations(), ids=lambda each: each.name)
def own_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(request.param, fsync=False) as server:
        yield server


@pytest.fixture
def server(own_server: Server) -> Server:
    own_server.start()
    return own_server


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def eventually(what: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return False


def test_it_is_the_version_it_says_and_runs_unprivileged(server: Server) -> None:
    assert str(ask(server.url(), "SHOW server_version")).startswith(f"{server.version[0]}.")
    assert (server.directory / "data").stat().st_uid == server_account().uid != 0
    assert ask(server.url(), "SHOW listen_addresses") == "127.0.0.1"


def test_databases_are_separate_and_can_be_copied(server: Server) -> None:
    filled = server.create_database()
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id bigint PRIMARY KEY)")
    copy = server.create_database(template=filled.rpartition("/")[2])
    assert ask(copy, "SELECT count(*) FROM orders") == 0
    assert ask(server.create_database(), "SELECT to_regclass('orders') IS NULL")


def test_a_database_is_dropped_under_its_connections(server: Server) -> None:
    with server.address.database() as url:
        connection = psycopg.connect(url)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


@pytest.mark.parametrize("mode", ["smart", "fast", "immediate", "kill"])
def test_a_restart_keeps_address_and_committed_data(server: Server, mode: StopMode) -> None:
    url = server.create_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.restart(mode)
    assert server.is_running
    assert ask(url, "SELECT answer FROM kept") == 42


def test_a_stopped_server_refuses(server: Server) -> None:
    server.stop()
    assert not server.is_running
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url(), connect_timeout=2)


def test_a_closed_server_leaves_nothing_and_fsync_was_on_unless_told_otherwise() -> None:
    with Server(installations()[0], settings={"max_connections": "20"}) as server:
        assert ask(server.url(), "SHOW fsync") == "on"
        assert ask(server.url(), "SHOW synchronous_commit") == "on"
        assert ask(server.url(), "SHOW max_connections") == "20"
    assert not server.is_running
    assert not server.directory.exists()


def test_another_role_connects_with_its_own_password(server: Server) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE clerk LOGIN PASSWORD 's3cret/@'")
    url = server.address.url("postgres", user="clerk", password="s3cret/@")
    assert ask(url, "SELECT current_user::text") == "clerk"
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(server.address.url("postgres", user="clerk", password="wrong"))


def test_a_server_dies_with_the_process_that_started_it() -> None:
    program = (
        "import time\n"
        "from tests.support.postgres import Server\n"
        "from tests.support.postgres_binaries import installations\n"
        "server = Server(installations()[0], fsync=False)\n"
        "server.start()\n"
        "print(server.url(), server.directory, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        url, directory = owner.stdout.readline().split()
        assert ask(url, "SELECT 1") == 1
        owner.send_signal(signal.SIGKILL)
    assert eventually(lambda: not Path(directory).exists())
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


def test_what_the_account_cannot_reach_is_copied(tmp_path: Path) -> None:
    """A checkout in root's home directory, say: the wheel's programs lie where no other account may look."""
    chosen = installations()[-1]
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    root = hidden / "programs"
    root.symlink_to(chosen.root)
    there = replace(chosen, bin=root / chosen.bin.relative_to(chosen.root), root=root)
    if os.geteuid() == 0:
        assert not server_account().reaches(there.bin / "postgres")
    with Server(there, fsync=False) as server:
        assert ask(server.url(), "SELECT 1") == 1
        assert (server.directory / "programs").exists() == (os.geteuid() == 0)


def test_a_server_that_cannot_start_shows_its_log() -> None:
    with (
        pytest.raises(PostgresUnavailableError, match="unrecognized configuration parameter"),
        Server(installations()[0], settings={"no_such_setting": "1"}),
    ):
        pass


def test_reach_is_judged_by_owner_and_others(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir(mode=0o700)
    stranger = Account(uid=12_345, gid=12_345)
    assert Account(os.geteuid(), os.getegid()).reaches(secret)
    assert not stranger.reaches(secret / "..")
    assert stranger.reaches(Path("/"))


def test_without_any_postgresql_the_tests_fail_and_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(GIVEN_URL, raising=False)
    monkeypatch.setattr("tests.support.postgres_run.installations", lambda: ())
    assert servers() == (NONE_FOUND,)
    with pytest.raises(PostgresUnavailableError, match=r"Set TASKER_TEST_DATABASE_URL .*pip install"):
        shared_server.__wrapped__(NONE_FOUND)


def test_a_given_server_is_used_alone_and_must_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GIVEN_URL, server.url())
    assert servers() == (GIVEN,)
    given = shared_server.__wrapped__(GIVEN)
    assert given.version[0] == server.version[0]
    with given.database() as url:
        assert ask(url, "SELECT 1") == 1
    server.stop()
    with pytest.raises(PostgresUnavailableError, match="TASKER_TEST_DATABASE_URL is set, but no connection"):
        shared_server.__wrapped__(GIVEN)


def test_the_run_shares_one_server_of_each_version(each_postgres_server: Address, each_postgres_url: str) -> None:
    name = next(name for name in servers() if name.endswith(str(each_postgres_server.version[0])) or name == GIVEN)
    assert shared_server.__wrapped__(name) == each_postgres_server
    assert ask(each_postgres_url, "SELECT 1") == 1


def test_the_end_of_a_run_ends_its_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(GIVEN_URL, raising=False)
    name = installations()[0].name
    before = os.environ.get("TASKER_TEST_RUN_DIRECTORY")
    with shared_servers():
        address = shared_server.__wrapped__(name)
        assert ask(address.url(), "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address.url(), connect_timeout=2)
    if before:
        os.environ["TASKER_TEST_RUN_DIRECTORY"] = before
