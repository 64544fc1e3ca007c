"""Stores that are locked, damaged, full or misnamed: what the client and the command say."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tasker_core import TaskerClient, TaskerError
from tasker_core.errors import StoreCorruptError, StoreError, StoreFullError, StoreLockedError
from tests.support.workshop import Workshop, tasker


@pytest.fixture
def locked(workshop: Workshop) -> Iterator[Workshop]:
    """A store whose write lock another program holds."""
    workshop.template({"work": []})
    with closing(sqlite3.connect(workshop.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        yield workshop
        other.execute("rollback")


def test_a_locked_store(locked: Workshop) -> None:
    url = f"{locked.url}?busy_timeout=0.1"
    with pytest.raises(StoreLockedError, match=r"tasker\.db is locked: another process.*Find it \(fuser, lsof\)"):
        TaskerClient(database_url=url)
    done = tasker("task", "create", "flow", cwd=locked.directory, url=url)
    assert done.code == 1 and "is locked" in done.err and "nothing was changed" in done.err
    assert "Traceback" not in done.err


def test_reading_goes_on_while_another_process_writes(workshop: Workshop) -> None:
    workshop.template({"work": []})
    task = workshop.create()
    with closing(sqlite3.connect(workshop.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        assert workshop.client.get_task(task).status == "steps_in_process"
        assert workshop.client.health_check().healthy


@pytest.mark.parametrize("content", [b"this is no database " * 300, b"SQLite format 3\x00" + b"\xff" * 8_000])
def test_a_file_that_is_no_database(workshop: Workshop, content: bytes) -> None:
    workshop.path.write_bytes(content)
    with pytest.raises(StoreCorruptError, match=r"tasker\.db is not a sound SQLite database.*Restore it from a backup"):
        TaskerClient(database_url=workshop.url)
    done = tasker("task", "list", cwd=workshop.directory, url=workshop.url)
    assert done.code == 1 and "is not a sound SQLite database" in done.err and "Traceback" not in done.err
    assert workshop.path.read_bytes() == content, "nothing may touch what is to be restored"


def test_a_store_that_is_damaged_while_it_is_used(workshop: Workshop) -> None:
    workshop.template({"work": []})
    task = workshop.create(context={"note": "x" * 50_000})
    workshop.client.close()
    with closing(sqlite3.connect(workshop.path)) as direct:
        direct.execute("pragma wal_checkpoint(truncate)")
    size = workshop.path.stat().st_size
    with workshop.path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xde\xad" * ((size - 4_096) // 2))
    with pytest.raises(StoreError, match=r"tasker\.db") as damaged, TaskerClient(database_url=workshop.url) as client:
        client.get_task(task)
    assert isinstance(damaged.value, StoreCorruptError)
    with TaskerClient(database_url=f"sqlite:///{workshop.directory}/another.db") as client:
        assert client.health_check().healthy


def test_a_full_disk(workshop: Workshop) -> None:
    workshop.template({"work": []})
    (pages,) = workshop.query("select page_count from pragma_page_count")[0]
    workshop.client.close()
    with TaskerClient(database_url=f"{workshop.url}?max_pages={pages + 4}") as client:
        with pytest.raises(StoreFullError, match=r"no room left to write .*tasker\.db.*nothing was changed"):
            client.create_task("flow", namespace="shop", context={"photo": "x" * 300_000})
        assert client.list_tasks().pagination.total_count == 0
        assert client.create_task("flow", namespace="shop", context={"small": 1}).total_steps == 1
    full = tasker(
        "task", "create", "flow", "-i", '{"photo": "%s"}' % ("x" * 100_000), cwd=workshop.directory,
        url=f"{workshop.url}?max_pages={pages + 4}",
    )  # fmt: skip
    assert full.code == 1 and "no room left to write" in full.err and "Traceback" not in full.err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "mysql://localhost/shop",
            "unknown kind of database 'mysql'; use sqlite:///tasker.db or postgresql://host/name",
        ),
        ("tasker.db", "use sqlite:///tasker.db"),
        ("sqlite://", "names no file. Tasker's store outlives the process"),
        ("sqlite:///:memory:", "names no file. Tasker's store outlives the process"),
        ("sqlite:///x.db?busy=1", "unknown option 'busy'; known are busy_timeout and max_pages"),
        ("sqlite:///x.db?busy_timeout=soon", "could not convert string to float: 'soon'"),
        ("sqlite:////no/such/place/x.db", "the directory /no/such/place doesn't exist; make it first"),
    ],
)
def test_addresses_that_name_no_store(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(StoreError) as refused:
        TaskerClient(database_url=url)
    assert words in str(refused.value)
    assert isinstance(refused.value, TaskerError) and isinstance(refused.value, RuntimeError)
    done = tasker("task", "list", cwd=tmp_path, url=url)
    assert done.code in (1, 2) and words in done.err and "Traceback" not in done.err


def test_a_password_is_not_printed(tmp_path: Path) -> None:
    done = tasker("task", "list", cwd=tmp_path, url="mysql://shop:s3cret@localhost/shop")
    assert done.code != 0 and "s3cret" not in done.err
