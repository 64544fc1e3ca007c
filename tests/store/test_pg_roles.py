"""Two roles, as the how-to says: one owns the schema, the other may only read and write rows, and that is enough."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tasker_core import TaskerClient
from tasker_core.errors import StoreError
from tasker_core.rules.diagnosis import CheckKind, Level
from tasker_core.store import open_database
from tests.support.everything import use_everything
from tests.support.postgres_address import Address

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "run-on-postgresql.md"
GRAPH = {"cart": [], "pay": ["cart"], "ship": ["pay"]}


@dataclass(frozen=True)
class Place:
    """A database in which the how-to's roles and schema are made, under names of their own."""

    admin: str
    owner: str
    app: str
    schema: str


@pytest.fixture(params=["tasker", "billing"])
def place(request: pytest.FixtureRequest, postgres_server: Address) -> Iterator[Place]:
    schema, mark = request.param, secrets.token_hex(4)
    found = re.search(r"```sql file=roles\.sql\n(.*?)```", HOW_TO.read_text("utf-8"), re.S)
    assert found is not None
    owner, app = f"tasker_owner_{mark}", f"tasker_app_{mark}"
    script = found[1].replace("schema tasker", f"schema {schema}")
    script = script.replace("tasker_owner", owner).replace("tasker_app", app)
    with postgres_server.database() as admin:
        name = admin.rpartition("/")[2]
        with psycopg.connect(admin, autocommit=True) as connection:
            # Only what is granted: databases let everybody in otherwise.
            database = sql.Identifier(name)
            connection.execute(sql.SQL("revoke all on database {} from public").format(database))
            connection.execute(script.encode())
            roles = sql.SQL(", ").join([sql.Identifier(owner), sql.Identifier(app)])
            connection.execute(sql.SQL("grant connect on database {} to {}").format(database, roles))
        option = "" if schema == "tasker" else f"?tasker_schema={schema}"
        owner_url = postgres_server.url(name, user=owner, password="change me") + option
        app_url = postgres_server.url(name, user=app, password="change me too") + option
        yield Place(admin, owner_url, app_url, schema)
    for role in (owner, app):
        postgres_server.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def test_the_application_works_with_rows_alone(place: Place, tmp_path: Path) -> None:
    with psycopg.connect(place.admin, autocommit=True) as connection:
        # An application's own tables, named like Tasker's.
        for table in ("tasks", "steps", "attempts", "workers", "schema_version"):
            connection.execute(f"create table public.{table} (id text)".encode())
            connection.execute(f"insert into public.{table} values ('the shop''s own')".encode())
    with closing(open_database(place.owner)) as database:
        database.migrate()
    use_everything(place.app, tmp_path / "ledger.db")
    with psycopg.connect(place.admin, autocommit=True) as connection:
        for table in ("tasks", "steps", "attempts", "workers", "schema_version"):
            assert connection.execute(f"select * from public.{table}".encode()).fetchall() == [("the shop's own",)]
        schemas = connection.execute(
            "select distinct schemaname from pg_tables where schemaname !~ '^pg_|^information_schema$' order by 1"
        ).fetchall()
    assert schemas == sorted([(place.schema,), ("public",)])


def test_the_application_may_not_change_the_schema(place: Place) -> None:
    with closing(open_database(place.owner)) as database:
        database.migrate()
    with psycopg.connect(place.app.partition("?")[0], autocommit=True) as connection:
        for statement in ("drop table {}.steps", "truncate {}.steps", "create table {}.mine (id text)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.format(place.schema).encode())


def test_a_role_without_rights_is_told_where_they_stand(place: Place) -> None:
    with (
        pytest.raises(StoreError, match=r"permission denied.*docs/how-to says which rights Tasker needs"),
        closing(open_database(place.app)) as database,
    ):
        database.migrate()


def test_the_doctor_names_the_tables_in_which_a_role_lacks_rights(place: Place) -> None:
    with closing(open_database(place.owner)) as database:
        database.migrate()
    with TaskerClient(database_url=place.app) as client:
        (rights,) = (check for check in client.doctor().checks if check.kind is CheckKind.RIGHTS)
        assert (rights.level, rights.text) == (Level.OK, "this role may read and write Tasker's tables")
        with psycopg.connect(place.owner.partition("?")[0], autocommit=True) as connection:
            app = urlsplit(place.app).username or ""
            connection.execute(
                sql.SQL("revoke delete on {}.steps, {}.duties from {}").format(
                    sql.Identifier(place.schema), sql.Identifier(place.schema), sql.Identifier(app)
                )
            )
        (rights,) = (check for check in client.doctor().checks if check.kind is CheckKind.RIGHTS)
    assert (rights.level, rights.details) == (Level.ERROR, {"tables": ["duties", "steps"]})
    assert rights.advice.endswith(f"on all tables in schema {place.schema} to it")
