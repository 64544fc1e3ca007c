"""``tasker doctor`` and ``client.doctor``: sound stores, stores in trouble, and addresses where there is none."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tasker_core import TaskerClient
from tasker_core.rules.diagnosis import CheckKind, Diagnosis, Level
from tasker_core.store import open_database
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.postgres_address import Address
from tests.support.workshop import Background, Finished, Workshop, eventually, flow, tasker

__all__ = ["postgres_of_the_suites", "store_url"]
HANDLERS = "tests.support.workshop.handlers"
GRAPH = {"first": [], "second": ["first"]}
NOTE: dict[str, Any] = {"first": {"handler": {"callable": "note"}}, "second": {"handler": {"callable": "note"}}}


@pytest.fixture
def url(store_url: str) -> str:
    """A migrated store with a template, on SQLite and on PostgreSQL."""
    with closing(open_database(store_url)) as database:
        database.migrate()
    with TaskerClient(database_url=store_url) as client:
        client.register_template(flow(GRAPH, **NOTE))
    return store_url


@pytest.fixture
def working(url: str, tmp_path: Path) -> Iterator[Background]:
    """A worker on that store, in a process of its own."""
    with Background("worker", "--handlers", HANDLERS, "--name", "blue-1", log=tmp_path / "log", url=url) as worker:
        worker.await_line("worker ")
        yield worker


def checks(told: Finished, kind: CheckKind) -> list[dict[str, Any]]:
    return [check for check in json.loads(told.out)["checks"] if check["kind"] == kind]


def without_the_server(found: Diagnosis) -> list[str]:
    """What was found, but for the settings of the tests' own server."""
    return [check.text for check in found.findings if check.kind is not CheckKind.DURABILITY]


def test_a_store_with_a_working_worker_is_sound(url: str, working: Background, tmp_path: Path) -> None:
    with TaskerClient(database_url=url) as client:
        task = client.create_task("flow", namespace="shop", context={"ledger": str(tmp_path / "ledger.db")})
        assert client.wait(task.task_uuid, 30).status == "complete"
        found = client.doctor()
        assert without_the_server(found) == []
        assert [check.kind for check in found.checks if check.level is Level.OK] != []
    told = tasker("doctor", url=url)
    assert "1 worker live, with 10 slots" in told.out and told.err == ""
    assert (told.code, told.out.splitlines()[-1].strip()) in [(0, "all is well"), (1, "0 errors, 1 warning")]
    assert told.code == (1 if "durability" in told.out and "fsync" in told.out else 0)


def test_a_worker_that_was_killed_is_named_at_once(url: str, working: Background, tmp_path: Path) -> None:
    with TaskerClient(database_url=url) as client:
        task = client.create_task("flow", namespace="shop", context={"ledger": str(tmp_path / "l.db"), "nap": 60})
        eventually(lambda: client.get_task(task.task_uuid).in_progress_steps == 1, what="a step in progress")
        working.kill()
        told = tasker("doctor", "--json", url=url)
        assert told.code == 1
        none, worker = checks(told, CheckKind.WORKERS)
        assert (none["level"], none["text"]) == ("error", "none lives")
        assert worker["text"] == "its process has ended; it holds 1 step"
        assert worker["place"].startswith("worker blue-1 (") and f"process {working.pid})" in worker["place"]


def test_a_stopped_worker_leaves_a_sound_store_and_what_waits_is_told(url: str, working: Background) -> None:
    working.signal(signal.SIGTERM)
    assert working.wait() == 0
    with TaskerClient(database_url=url) as client:
        assert without_the_server(client.doctor()) == []
        client.create_task("flow", namespace="shop", context={})
        (text,) = without_the_server(client.doctor())
        assert text.startswith("none lives, and 1 step waits, the oldest for ")
    told = tasker("doctor", url=url)
    assert told.code == 1 and "-> start one: tasker worker --handlers PACKAGE" in told.out


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    told = tasker("doctor", cwd=tmp_path)
    assert (told.code, told.err) == (2, "")
    assert f"there is no file {tmp_path}/tasker.db" in told.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://shop:s3cret@localhost/shop", "unknown kind of database 'mysql'"),
        ("sqlite:////no/such/place/x.db", "the directory /no/such/place doesn't exist"),
        ("postgresql://shop:s3cret@127.0.0.1:1/shop", "127.0.0.1:1/shop can't be reached"),
    ],
)
def test_an_address_without_a_store_is_a_finding(tmp_path: Path, url: str, words: str) -> None:
    told = tasker("doctor", "--json", cwd=tmp_path, url=url)
    assert (told.code, told.err) == (2, "") and "s3cret" not in told.out
    found = json.loads(told.out)
    assert (found["sound"], found["usable"]) == (False, False)
    (check,) = found["checks"]
    assert (check["kind"], check["level"]) == ("database", "error") and words in check["text"]


@pytest.mark.parametrize("content", [b"this is no database " * 300, b"SQLite format 3\x00" + b"\xff" * 8_000])
def test_a_file_that_is_no_database_is_left_alone(workshop: Workshop, content: bytes) -> None:
    workshop.path.write_bytes(content)
    told = tasker("doctor", url=workshop.url)
    assert (told.code, told.err) == (2, "") and "is not a sound SQLite database" in told.out
    assert workshop.path.read_bytes() == content


def test_the_database_of_another_program_is_left_alone(workshop: Workshop) -> None:
    workshop.execute("create table theirs (a)")
    before = workshop.path.read_bytes()
    told = tasker("doctor", "--json", url=workshop.url)
    assert told.code == 2
    (schema,) = checks(told, CheckKind.SCHEMA)
    assert (schema["level"], schema["text"]) == ("error", "Tasker's tables aren't there")
    assert checks(told, CheckKind.DATABASE)[0]["details"]["journal_mode"] == "delete"
    assert workshop.path.read_bytes() == before


def test_postgres_without_tables(postgres_url: str) -> None:
    told = tasker("doctor", "--json", url=postgres_url)
    assert (told.code, told.err) == (2, "")
    (schema,) = checks(told, CheckKind.SCHEMA)
    assert schema["text"] == "Tasker's tables aren't there" and schema["advice"] == "run: tasker migrate"
    with psycopg.connect(postgres_url) as beside:
        assert beside.execute("select 1 from pg_namespace where nspname = 'tasker'").fetchall() == []


def test_a_locked_file(workshop: Workshop) -> None:
    workshop.template({"work": []})
    with closing(sqlite3.connect(workshop.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        told = tasker("doctor", "--json", url=f"{workshop.url}?busy_timeout=0.1")
        other.execute("rollback")
    assert told.code == 1
    (found,) = checks(told, CheckKind.DATABASE)
    assert found["level"] == "error" and "is locked: another process has been writing" in found["text"]


def test_a_quota_that_is_used_up(workshop: Workshop) -> None:
    workshop.template({"work": []})
    (pages,) = workshop.query("select page_count from pragma_page_count")[0]
    told = tasker("doctor", "--json", url=f"{workshop.url}?max_pages={pages}")
    assert told.code == 1
    (found,) = checks(told, CheckKind.ROOM)
    assert found["level"] == "error" and f"{pages} of the {pages} pages of its quota" in found["text"]
    (found,) = checks(tasker("doctor", "--json", url=f"{workshop.url}?max_pages={pages + 3}"), CheckKind.ROOM)
    assert found["level"] == "warning" and "raise max_pages" in found["advice"]


def test_a_write_ahead_log_that_a_reader_holds_open(workshop: Workshop) -> None:
    workshop.template({"work": []})
    with closing(sqlite3.connect(workshop.path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from tasker_tasks").fetchall()
        workshop.execute("create table ballast as select zeroblob(70000000) as b")
        told = tasker("doctor", "--json", url=workshop.url)
        reader.execute("rollback")
    (found,) = checks(told, CheckKind.ROOM)
    assert found["level"] == "warning" and "reads in one transaction for a long time" in found["advice"]
    assert found["details"]["wal_bytes"] > 70_000_000


def test_a_database_that_is_gone(postgres_server: Address) -> None:
    url = postgres_server.create_database()
    with closing(open_database(url)) as database:
        database.migrate()
    with TaskerClient(database_url=url) as client:
        assert client.doctor().is_usable
        postgres_server.drop_database(url)
        gone = client.doctor()
    (found,) = gone.findings
    assert not gone.is_usable and found.level is Level.ERROR and "can't be reached" in found.text


def test_a_deep_look_finds_damage_in_the_file(workshop: Workshop) -> None:
    workshop.template({"work": []})
    for no in range(30):
        workshop.create(context={"note": "x" * 3_000, "no": no})
    workshop.client.close()
    with closing(sqlite3.connect(workshop.path)) as direct:
        direct.execute("pragma wal_checkpoint(truncate)")
        (root,) = direct.execute("select rootpage from sqlite_master where name = 'tasker_transitions'").fetchone()
    told = tasker("doctor", "--deep", "--json", url=workshop.url)
    assert checks(told, CheckKind.HISTORY)[0]["text"] == "30 unfinished tasks, each as it can be"
    with workshop.path.open("r+b") as file:  # in a table that nothing else looks at
        file.seek((root - 1) * 4_096)
        file.write(b"\xde\xad" * 1_000)
    told = tasker("doctor", "--deep", "--json", url=workshop.url)
    assert told.code in (1, 2) and told.err == ""
    assert "damaged" in told.out or "is not a sound SQLite database" in told.out
