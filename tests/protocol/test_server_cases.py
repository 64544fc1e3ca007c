"""`tasker server` passes the cases in which the driver is a worker, on each kind of database."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protocol.as_worker import Server
from protocol.case import Case, cases
from protocol.playing import play_against_server
from tasker_core.server.auth.keys import hash_key, new_key
from tests.support.databases import postgres_of_the_suites, store_url
from tests.support.workshop import Background, tasker

__all__ = ["postgres_of_the_suites", "store_url"]

PERMISSIONS = {
    "worker": [
        "worker:run",
        "workers:drain",
        "tasks:create",
        "tasks:read",
        "tasks:cancel",
        "steps:read",
        "steps:resolve",
        "templates:register",
        "events:read",
    ],
    "other": ["worker:run"],
    "weak": ["tasks:read"],
}


class Served:
    """A server process that can be killed and started anew at the same port."""

    def __init__(self, store: str, directory: Path, lease_seconds: int) -> None:
        self.store, self.directory, self.lease_seconds = store, directory, lease_seconds
        self.keys = {who: new_key() for who in PERMISSIONS}
        entries = (
            f"[[server.auth.api_keys]]\nhash = {json.dumps(hash_key(key))}\npermissions = {PERMISSIONS[who]}\n"
            f"description = {json.dumps(who)}\n"
            for who, key in self.keys.items()
        )
        (directory / "tasker.toml").write_text("\n".join(entries))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = self._start()

    def _start(self) -> Background:
        process = Background(
            "server",
            "--port",
            str(self.port),
            log=self.directory / "server.log",
            url=self.store,
            cwd=self.directory,
            TASKER_LEASE_SECONDS=str(self.lease_seconds),
        )
        process.await_line("server listens at")
        return process

    def restart(self) -> None:
        self.process.kill()
        self.process = self._start()


@contextmanager
def serving(store: str, directory: Path, lease_seconds: int) -> Iterator[Served]:
    if store.startswith("postgres"):
        assert tasker("migrate", url=store).code == 0
    served = Served(store, directory, lease_seconds)
    try:
        yield served
    finally:
        served.process.kill()


def is_silence(case: Case) -> bool:
    """It waits until a lease is over."""
    return "silence" in case.name


def play(served: Served, chosen: list[Case]) -> None:
    tested = Server(f"http://127.0.0.1:{served.port}", served.keys, served.restart)
    results = list(play_against_server(tested, chosen))
    assert not [f"{each.case}: {each.why}" for each in results if each.outcome != "passed"]
    assert len(results) == len(chosen) > 0
    log = (served.directory / "server.log").read_text()
    assert "Traceback" not in log, log


def test_the_server_passes(store_url: str, tmp_path: Path) -> None:
    with serving(store_url, tmp_path, lease_seconds=10) as served:
        play(served, [case for case in cases("server") if not is_silence(case)])


def test_the_server_passes_where_a_lease_ends(store_url: str, tmp_path: Path) -> None:
    with serving(store_url, tmp_path, lease_seconds=3) as served:
        play(served, [case for case in cases("server") if is_silence(case)])


def test_there_are_many_cases() -> None:
    assert len(list(cases("server"))) + len(list(cases("worker"))) >= 60
