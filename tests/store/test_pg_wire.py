"""One round trip on the wire: what it answers, and where the connection stands after an error."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tasker_core.store.wire import Sentence, WireConnection, statement_of


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
def connection(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[WireConnection]:
    with WireConnection.connect(postgres_url, autocommit=True) as connection:
        assert isinstance(connection, WireConnection)
        connection.prepares = request.param
        connection.execute("create table seen (n bigint primary key, word text)")
        yield connection


def sentence(sql: str, **params: object) -> Sentence:
    return Sentence(statement_of(f"probe_{abs(hash(sql))}", sql), params)


def insert(n: int, word: str | None = None) -> Sentence:
    return sentence("insert into seen values (%(n)s, %(word)s)", n=n, word=word)


def words(connection: WireConnection) -> list[tuple[object, ...]]:
    return connection.say([sentence("select n, word from seen order by n")])[0]


def test_each_sentence_is_answered_with_its_rows_or_their_number(connection: WireConnection) -> None:
    answers = connection.say([insert(1, "é"), insert(2**40), sentence("update seen set word = 'x' where n > 5")])
    assert answers == [[(1,)], [(1,)], [(1,)]]
    assert words(connection) == [(1, "é"), (2**40, "x")]
    assert connection.say([sentence("select %(a)s::text || '%%', %(a)s::text", a="10")])[0] == [("10%", "10")]


def test_a_failing_sentence_takes_the_whole_round_trip_with_it_and_the_connection_goes_on(
    connection: WireConnection,
) -> None:
    late = sentence("select count(*) from seen where n < %(n)s", n=10)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.say([insert(1), insert(1), late])
    assert words(connection) == []
    # What stood behind the failing one was never prepared: it must be now.
    assert connection.say([insert(3), late]) == [[(1,)], [(1,)]]


def test_the_same_new_sentence_may_come_twice_in_one_round_trip(connection: WireConnection) -> None:
    assert connection.say([insert(1), insert(2), insert(3)]) == [[(1,)]] * 3
    assert connection.say([insert(4)]) == [[(1,)]]


def test_a_text_with_nul_is_refused_before_the_server_could_cut_it(connection: WireConnection) -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        connection.say([insert(1), insert(2, "before\0after")])
    assert words(connection) == []


def test_more_than_a_socket_takes_at_once_goes_both_ways(connection: WireConnection) -> None:
    large = "ü" * 3_000_000
    echo = sentence("select %(word)s::text", word=large)
    assert connection.say([echo] * 5) == [[(large,)]] * 5


def test_a_connection_that_the_server_ends_says_so(connection: WireConnection, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        connection.say([insert(1)])
    assert connection.closed
