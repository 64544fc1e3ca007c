"""One engine per process and database: the client and the worker of an application share it."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasker_core.clock import SECOND
from tasker_core.engine import Engine
from tasker_core.engine.staleness import Vigilance
from tasker_core.rules.breaker import BreakerPolicy
from tasker_core.rules.staleness import Defaults
from tasker_core.settings import load_settings
from tasker_core.store import Store, open_database
from tasker_core.words import Micros

if TYPE_CHECKING:
    from tasker_core.settings.values import Settings

_lock = threading.Lock()


def _renew_lock() -> None:
    """A child mustn't wait for a thread of its parent that was opening a store."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
_open: dict[tuple[int, str], _Shared] = {}


@dataclass
class _Shared:
    engine: Engine
    users: int


def database_url(given: str | None = None) -> str:
    """The database to use: ``given``, else what the settings say."""
    return load_settings({"database": {"url": given or None}}).database.store_url


def lease_time(settings: Settings) -> Micros:
    """How long a silent worker is believed to live."""
    return round(settings.worker.lease_seconds * SECOND)


def vigilance(settings: Settings) -> Vigilance | None:
    """How tasks that stand still are looked for; None where they aren't."""
    said = settings.dlq
    if not (said.enabled and said.staleness_detection):
        return None
    defaults = Defaults(
        said.waiting_for_dependencies_minutes, said.waiting_for_retry_minutes, said.steps_in_process_minutes,
        said.max_duration_minutes, said.auto_transition_to_error, said.auto_move_to_dlq,
    )  # fmt: skip
    return Vigilance(defaults, round(said.detection_interval_seconds * SECOND), said.batch_size, said.dry_run)


def open_engine(url: str, settings: Settings | None = None) -> Engine:
    """The engine on ``url``, migrated. Hand it back with ``close_engine``.

    Where this process has one already, that is returned, as the settings of its first user made it. Raises StoreError
    where the database can't be opened, saying what would help.
    """
    key = (os.getpid(), url)
    with _lock:
        shared = _open.get(key)
        if shared is None:
            settings = settings or load_settings()
            kept = settings.retention.tasks
            database = open_database(url, listen_url=settings.database.listen_url)
            database.make_ready()
            engine = Engine(
                Store(database),
                retention=kept.micros if kept else None,
                lease_time=lease_time(settings),
                environment=settings.env,
                enforce_schemas=settings.schema_validation == "enforce",
                vigilance=vigilance(settings),
                buries=settings.dlq.enabled,
                breakers=BreakerPolicy(settings.breaker.failures, round(settings.breaker.open_seconds * SECOND)),
            )
            shared = _open[key] = _Shared(engine, 0)
        shared.users += 1
        return shared.engine


def lay_open(url: str, engine: Engine) -> None:
    """Let ``engine`` be the one of this process on ``url`` until ``close_engine``, as a test does that owns its clock.

    Raises ValueError where there is one already.
    """
    with _lock:
        if (os.getpid(), url) in _open:
            raise ValueError(f"this process has an engine on {url} already")
        _open[os.getpid(), url] = _Shared(engine, 1)


def close_engine(engine: Engine) -> None:
    """The caller is done with ``engine``; the last one closes the database."""
    with _lock:
        for key, shared in list(_open.items()):
            if shared.engine is engine:
                shared.users -= 1
                if shared.users <= 0:
                    del _open[key]
                    engine.close()
