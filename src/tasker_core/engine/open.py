"""One engine per process and database: the client and the worker of an application share it."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

from tasker_core.clock import SECOND
from tasker_core.engine import LEASE_TIME, Engine
from tasker_core.engine.prune import age
from tasker_core.errors import InvalidRequestError
from tasker_core.store import Store, open_database
from tasker_core.words import Micros

DEFAULT_URL = "sqlite:///tasker.db"
SHORTEST_LEASE, LONGEST_LEASE = 3.0, 3_600.0
"""Seconds. A shorter one would be outlived by a busy moment of the machine."""

_lock = threading.Lock()
_open: dict[tuple[int, str], _Shared] = {}


@dataclass
class _Shared:
    engine: Engine
    users: int


def database_url(given: str | None = None) -> str:
    """The database to use: ``given``, else TASKER_DATABASE_URL, else DATABASE_URL, else ``sqlite:///tasker.db``."""
    return given or os.environ.get("TASKER_DATABASE_URL") or os.environ.get("DATABASE_URL") or DEFAULT_URL


def retention() -> Micros | None:
    """For how long finished tasks are kept: TASKER_RETENTION (90d, 12h, ...), else for ever."""
    given = os.environ.get("TASKER_RETENTION")
    return age(given, "TASKER_RETENTION") if given else None


def lease_time() -> Micros:
    """How long a silent worker is believed to live: TASKER_LEASE_SECONDS, else 10 s. Raises InvalidRequestError."""
    given = os.environ.get("TASKER_LEASE_SECONDS")
    if not given:
        return LEASE_TIME
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not SHORTEST_LEASE <= seconds <= LONGEST_LEASE:
        raise InvalidRequestError(
            f"TASKER_LEASE_SECONDS must be a number from {SHORTEST_LEASE:g} to {LONGEST_LEASE:g}, not {given!r}",
            field="TASKER_LEASE_SECONDS",
        )
    return round(seconds * SECOND)


def enforces_schemas() -> bool:
    """Whether TASKER_SCHEMA_VALIDATION is ``enforce``; else each template says. Raises InvalidRequestError."""
    given = os.environ.get("TASKER_SCHEMA_VALIDATION") or "warn"
    if given not in ("warn", "enforce"):
        raise InvalidRequestError(
            f"TASKER_SCHEMA_VALIDATION must be warn or enforce, not {given!r}", field="TASKER_SCHEMA_VALIDATION"
        )
    return given == "enforce"


def open_engine(url: str) -> Engine:
    """The engine on ``url``, migrated. Hand it back with ``close_engine``.

    Raises StoreError where the database can't be opened, saying what would help.
    """
    key = (os.getpid(), url)
    with _lock:
        shared = _open.get(key)
        if shared is None:
            kept, lease, enforce = retention(), lease_time(), enforces_schemas()
            database = open_database(url)
            database.make_ready()
            shared = _open[key] = _Shared(
                Engine(Store(database), retention=kept, lease_time=lease, enforce_schemas=enforce), 0
            )
        shared.users += 1
        return shared.engine


def close_engine(engine: Engine) -> None:
    """The caller is done with ``engine``; the last one closes the database."""
    with _lock:
        for key, shared in list(_open.items()):
            if shared.engine is engine:
                shared.users -= 1
                if shared.users <= 0:
                    del _open[key]
                    engine.close()
