"""The shop's database: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

from fastapi_shop.settings import Settings
from fastapi_shop.tables import Product, Table

PRODUCTS = (
    {"sku": "tea", "name": "Darjeeling, 100 g", "price_cents": 1_450, "stock": 1_000},
    {"sku": "pot", "name": "Teapot, cast iron", "price_cents": 7_900, "stock": 40},
    {"sku": "cup", "name": "Cup, porcelain", "price_cents": 1_200, "stock": 3},
)
BUSY_TIMEOUT = 10


class Database:
    """Transactions on the database at ``url``."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"timeout": BUSY_TIMEOUT} if url.startswith("sqlite") else {}
        # psycopg 3, as Tasker uses it; SQLAlchemy alone would take "postgresql:" for another driver.
        self._engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1), connect_args=options)
        if self._engine.dialect.name == "sqlite":
            _begin_immediately(self._engine)

    def prepare(self) -> None:
        """Make the tables, and put the first goods onto the shelf."""
        Table.metadata.create_all(self._engine)
        with self.writing() as session:
            for product in PRODUCTS:
                if session.get(Product, product["sku"]) is None:
                    session.add(Product(**product))

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction, committed when the block ends and rolled back when it raises."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads, and keeps nobody from writing."""
        with Session(self._engine.execution_options(reads=True)) as session:
            yield session

    def close(self) -> None:
        self._engine.dispose()


def _begin_immediately(engine: Engine) -> None:
    """A transaction of SQLite that reads before it writes could find that it may write no more. So it asks first."""

    @event.listens_for(engine, "connect")
    def _leave_it_to_us(connection: Any, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@cache
def database() -> Database:
    """The database of this process, for handlers."""
    return Database(Settings.from_environment().database_url)
