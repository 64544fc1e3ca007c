"""`tasker server` passes the cases in which the driver is a worker, on each kind of database."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.as_worker import Server
from protocol.case import cases
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
    ],
    "other": ["worker:run"],
    "weak": ["tasks:read"],
}


class Served:
    """A server process that can be killed and started anew at the same port."""

    def __init__(self, store: str, directory: Path) -> None:
        self.store, self.directory = store, directory
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
            TASKER_LEASE_SECONDS="3",
        )
        process.await_line("server listens at")
        return process

    def restart(self) -> None:
        self.process.kill()
        self.process = self._start()


@pytest.fixture
def server(store_url: str, tmp_path: Path) -> Iterator[Served]:
    if store_url.startswith("postgres"):
        assert tasker("migrate", url=store_url).code == 0
    served = Served(store_url, tmp_path)
    yield served
    served.process.kill()


def test_the_server_passes(server: Served) -> None:
    tested = Server(f"http://127.0.0.1:{server.port}", server.keys, server.restart)
    results = list(play_against_server(tested, list(cases("server"))))
    assert not [f"{each.case}: {each.why}" for each in results if each.outcome != "passed"]
    log = (server.directory / "server.log").read_text()
    assert not re.findall("Traceback", log), log


def test_there_are_many_cases() -> None:
    assert len(list(cases("server"))) + len(list(cases("worker"))) >= 60
