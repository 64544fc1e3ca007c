"""Where the doctor draws its lines: what no test can bring about on a machine that it shares with others."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_core.rules.diagnosis import Check, CheckKind, Level
from tasker_core.rules.doctor_database import judge_contact, judge_database
from tasker_core.rules.symptoms import Contact, Hearing, PostgresFact, SqliteFact

MIB = 1024 * 1024
SERVER = PostgresFact("18.1", "db:5432/shop", "tasker", 1, 1, False, [], 12, 100, [], None)
FILE = SqliteFact("3.46.0", "/srv/tasker.db", 1, 1, "wal", 5 * MIB, MIB, 9_000 * MIB, 1_280, None, "")


def bad(*checks: Check) -> list[tuple[CheckKind, Level]]:
    return [(check.kind, check.level) for check in checks if check.level is not Level.OK]


def test_a_sound_server_and_a_sound_file() -> None:
    assert bad(*judge_database(SERVER)) == []
    assert bad(*judge_database(FILE)) == []


@pytest.mark.parametrize(
    ("changes", "found", "words"),
    [
        ({"is_standby": True}, (CheckKind.DATABASE, Level.ERROR), "a standby, where nothing can be written"),
        ({"connections": 95}, (CheckKind.DATABASE, Level.WARNING), "95 of 100 connections"),
        ({"unsafe": ["fsync"]}, (CheckKind.DURABILITY, Level.WARNING), "fsync off"),
        ({"lacking": ["steps", "tasks"]}, (CheckKind.RIGHTS, Level.ERROR), "all of steps and tasks"),
        ({"oldest": ("ann psql process 7", 7_300_000_000)}, (CheckKind.ROOM, Level.WARNING), "open for 2 h 1 min"),
    ],
)  # fmt: skip
def test_a_server_in_trouble(changes: dict[str, Any], found: tuple[CheckKind, Level], words: str) -> None:
    checks = list(judge_database(SERVER._replace(**changes)))
    assert bad(*checks) == [found]
    assert any(words in check.text and check.advice for check in checks)


def test_a_short_transaction_is_no_trouble() -> None:
    assert bad(*judge_database(SERVER._replace(oldest=("ann process 7", 60_000_000)))) == []


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"free_disk": 499 * MIB}, Level.WARNING),
        ({"free_disk": 49 * MIB}, Level.ERROR),
        ({"wal": 65 * MIB}, Level.WARNING),
        ({"most_pages": 1_400}, Level.WARNING),
        ({"most_pages": 1_280}, Level.ERROR),
    ],
)
def test_a_file_without_room(changes: dict[str, Any], level: Level) -> None:
    assert bad(*judge_database(FILE._replace(**changes))) == [(CheckKind.ROOM, level)]


def test_a_slow_database_and_clocks_that_differ() -> None:
    (slow, clock) = judge_contact("db", Contact(25_000, -3_000_000, None))
    assert bad(slow, clock) == [(CheckKind.LATENCY, Level.WARNING), (CheckKind.CLOCK, Level.WARNING)]
    assert slow.text == "25 ms for a round trip"
    assert clock.text == "the database's is 3 s behind this machine's"


@pytest.mark.parametrize(
    ("hearing", "level", "words"),
    [
        (Hearing(True, 2_400), Level.OK, "new work is heard of after 2.4 ms"),
        (Hearing(False), Level.OK, "a pooler (PgBouncer) is in between"),
        (Hearing(True, None, "no route"), Level.WARNING, "no hint was heard (no route)"),
    ],
)
def test_hints_that_are_heard_or_not(hearing: Hearing, level: Level, words: str) -> None:
    _, hints = judge_contact("db", Contact(300, None, hearing))
    assert (hints.kind, hints.level) == (CheckKind.HINTS, level) and words in hints.text
