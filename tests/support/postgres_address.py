"""Where a running PostgreSQL is, and fresh databases on it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql


@dataclass(frozen=True)
class Address:
    """A running server: ``base`` is the URL of its database ``postgres``, for a role that may create databases."""

    base: str
    version: tuple[int, ...]

    def url(self, dbname: str = "postgres", *, user: str | None = None, password: str | None = None) -> str:
        """Returns the URL of ``dbname`` on this server, for another role when ``user`` is given."""
        parts = urlsplit(self.base)
        place = parts.netloc.rpartition("@")[2] if user else parts.netloc
        if user:
            place = f"{quote(user, safe='')}{':' + quote(password, safe='') if password else ''}@{place}"
        return urlunsplit(parts._replace(netloc=place, path="/" + quote(dbname, safe="")))

    def create_database(self, *, template: str | None = None) -> str:
        """Creates an empty database, or a copy of ``template``, and returns its URL."""
        name = f"test_{secrets.token_hex(8)}"
        copied = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template1")
        )
        # Copying files is several times faster than logging each page, the default since 15 (where the word came).
        quickly = sql.SQL(" STRATEGY file_copy" if self.version >= (15,) else "")
        self.execute(copied + quickly)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drops the database that ``create_database`` returned, with whoever is still connected to it."""
        name = urlsplit(url).path.removeprefix("/")
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextlib.contextmanager
    def database(self, *, template: str | None = None) -> Iterator[str]:
        """A database for the length of a ``with`` block: yields its URL."""
        url = self.create_database(template=template)
        try:
            yield url
        finally:
            self.drop_database(url)

    def execute(self, statement: sql.Composed) -> None:
        """Runs one statement in the database ``postgres``, outside a transaction."""
        with psycopg.connect(self.base, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement)
