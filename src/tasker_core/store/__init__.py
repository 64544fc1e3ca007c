"""The store: one method per sentence of the domain, one SQL text, two databases."""

from __future__ import annotations

from tasker_core.errors import StoreError
from tasker_core.store.analytics import Analytics
from tasker_core.store.database import Access, Database
from tasker_core.store.dead_letters import DeadLetters
from tasker_core.store.gates import Gates
from tasker_core.store.gauges import Gauges
from tasker_core.store.history import History
from tasker_core.store.insight import Insight
from tasker_core.store.outbox import Outbox
from tasker_core.store.pauses import Pauses
from tasker_core.store.repairs import Repairs
from tasker_core.store.sqlite import SqliteDatabase
from tasker_core.store.staleness import Staleness
from tasker_core.store.steps import Steps
from tasker_core.store.subscriptions import Subscriptions
from tasker_core.store.tasks import Tasks
from tasker_core.store.templates import Templates
from tasker_core.store.undoing import Undoings
from tasker_core.store.workers import Workers


class Store:
    """Everything Tasker keeps, on one ``database``; through ``access`` where that isn't the database itself."""

    def __init__(self, database: Database, access: Access | None = None) -> None:
        access = access or database
        self.database = database
        self.tasks = Tasks(access)
        self.steps = Steps(access)
        self.templates = Templates(access)
        self.workers = Workers(access)
        self.insight = Insight(access)
        self.gates = Gates(access)
        self.gauges = Gauges(access)
        self.history = History(access)
        self.repairs = Repairs(access)
        self.pauses = Pauses(access)
        self.undoings = Undoings(access)
        self.dead_letters = DeadLetters(access)
        self.staleness = Staleness(access)
        self.analytics = Analytics(access)
        self.outbox = Outbox(access)
        self.subscriptions = Subscriptions(access)

    def close(self) -> None:
        self.database.close()


def _postgres(url: str, listen_url: str | None) -> Database:
    try:
        from tasker_core.store.postgres import PostgresDatabase
    except ModuleNotFoundError as error:
        if error.name not in ("psycopg", "psycopg_pool"):
            raise
        raise StoreError("PostgreSQL needs psycopg: pip install 'tasker-core[postgres]'") from None
    return PostgresDatabase(url, listen_url=listen_url)


def open_database(url: str, *, listen_url: str | None = None) -> Database:
    """The database that ``url`` names, not yet migrated. ``listen_url`` leads past a pooler of PostgreSQL.

    Raises StoreError for an address that Tasker doesn't know.
    """
    scheme = url.partition(":")[0]
    match scheme:
        case "sqlite":
            return SqliteDatabase.from_url(url)
        case "postgresql" | "postgres":
            return _postgres(url, listen_url)
        case _:
            # The address itself isn't repeated: it may hold a password.
            raise StoreError(f"unknown kind of database {scheme!r}; use sqlite:///tasker.db or postgresql://host/name")
