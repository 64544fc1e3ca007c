"""PgBouncer as other tests get it: in transaction mode before the run's server, or not at all."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.pgbouncer import pgbouncer, pgbouncer_program
from tests.support.postgres_address import Address


def test_it_pools_by_transaction_or_says_that_there_is_none(postgres_server: Address, postgres_url: str) -> None:
    with pgbouncer(postgres_server, settings={"default_pool_size": "1"}) as pooled:
        if pgbouncer_program() is None:
            assert pooled is None
            return
        assert pooled is not None
        url = pooled.url(postgres_url.rpartition("/")[2])
        with psycopg.connect(url, autocommit=True) as first, psycopg.connect(url, autocommit=True) as second:
            backends = {c.execute("SELECT pg_backend_pid()").fetchone() for c in (first, second)}
            assert len(backends) == 1, "two clients at rest share the one connection of the pool"


def test_a_machine_without_it_gets_none(postgres_server: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.pgbouncer.pgbouncer_program", lambda: None)
    with pgbouncer(postgres_server) as pooled:
        assert pooled is None
