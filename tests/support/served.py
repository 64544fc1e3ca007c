"""A server of this process on a real socket, with an HTTP client for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import APIRouter

from tasker_core.engine import Engine
from tasker_core.engine.open import close_engine, open_engine
from tasker_core.server import create_app
from tasker_core.server.auth.access import Access
from tasker_core.server.serve import Server, listen, url_of
from tasker_core.settings.values import ServerSettings, Settings
from tasker_core.store import open_database

TIMEOUT = 30.0


class Served:
    """A running server: its engine, its URL, and a client for its paths."""

    def __init__(self, engine: Engine, server: Server, url: str, http: httpx.Client, url_of_store: str) -> None:
        self.engine, self.server, self.url, self.http, self.url_of_store = engine, server, url, http, url_of_store

    def get(self, path: str, status: int = 200, /, **query: Any) -> Any:
        """What GET answers, which must have this status."""
        return self._answer(self.http.get(path, params=query), status)

    def post(self, path: str, body: Any, status: int = 201, /, **query: Any) -> Any:
        return self._answer(self.http.post(path, json=body, params=query), status)

    def delete(self, path: str, status: int = 200, /, **query: Any) -> Any:
        return self._answer(self.http.delete(path, params=query), status)

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        return self._answer(self.http.patch(path, json=body), status)

    def create(self, name: str = "order", namespace: str = "shop", **wishes: Any) -> str:
        """Create a task; its UUID."""
        task: str = self.post("/v1/tasks", {"name": name, "namespace": namespace, **wishes})["task_uuid"]
        return task

    @staticmethod
    def _answer(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, f"{answer.request.url}: {answer.status_code} {answer.text[:500]}"
        return answer.json()


@contextmanager
def served(
    database_url: str,
    access: Access | None = None,
    port: int = 0,
    settings: Settings | None = None,
    *,
    pages: Sequence[APIRouter] | None = None,
    **server: Any,
) -> Iterator[Served]:
    """A server on ``port``, or a free one, over the database at ``database_url``, which is migrated if it must be.

    It lets in whom ``access`` says, else this machine, and shows ``pages``. ``server`` are settings of that section,
    where not all ``settings`` are given.
    """
    database = open_database(database_url)
    database.migrate()
    database.close()
    engine, listening, ready = open_engine(database_url), listen("127.0.0.1", port), threading.Event()
    settings = settings or Settings(server=ServerSettings(**server))
    app = create_app(engine, settings, access) if pages is None else create_app(engine, settings, access, pages)
    running = Server(app, listening, ready.set)
    thread = threading.Thread(target=running.serve_until_stopped, name="served")
    thread.start()
    try:
        assert ready.wait(TIMEOUT)
        url = url_of(listening)
        with httpx.Client(base_url=url, timeout=TIMEOUT) as http:
            yield Served(engine, running, url, http, database_url)
    finally:
        running.stop()
        thread.join(TIMEOUT)
        listening.close()
        close_engine(engine)
        assert not thread.is_alive(), "the server doesn't end"
