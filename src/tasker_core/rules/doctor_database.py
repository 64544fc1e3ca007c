"""Is the place where tasks are kept sound? Judged from what the database says of itself."""

from __future__ import annotations

from collections.abc import Iterable

from tasker_core.rules.diagnosis import Check, CheckKind, Level
from tasker_core.rules.explanation import listed, span
from tasker_core.rules.symptoms import Condition, Contact, Hearing, PostgresFact, SqliteFact
from tasker_core.words import Micros

MIB = 1024 * 1024
LARGE_WAL = 64 * MIB
"""A write-ahead log is written back at 4 MiB; one that is longer has a reader that holds it open."""
LITTLE_DISK, TOO_LITTLE_DISK = 500 * MIB, 50 * MIB
NEARLY_FULL = 0.9
SLOW: Micros = 20_000
CLOCKS_DIFFER: Micros = 1_000_000
LONG_TRANSACTION: Micros = 3_600_000_000


def unusable(place: str, message: str) -> Check:
    """The store can't be opened at all."""
    advice = "until then nothing can be created, run or looked at"
    return Check(CheckKind.DATABASE, Level.ERROR, place, message, advice)


def judge_schema(condition: Condition) -> Check:
    """Do code and schema belong together? Nothing else can be looked at while they don't."""
    have, want = condition.schema_version, condition.known_version
    place, details = condition.place, {"version": have, "known_version": want}
    if isinstance(condition, PostgresFact):
        place += f", schema {condition.schema}"
    if have == want:
        return Check(CheckKind.SCHEMA, Level.OK, place, f"version {have}", details=details)
    if have > want:
        text = f"version {have} is newer than this Tasker, which knows versions up to {want}"
        return Check(CheckKind.SCHEMA, Level.ERROR, place, text, "upgrade tasker-core, or use another store", details)
    text = f"version {have} is older than this Tasker's {want}" if have else "Tasker's tables aren't there"
    advice = "run: tasker migrate"
    if isinstance(condition, SqliteFact):
        advice += " (or any other command, which does it, too)"
    return Check(CheckKind.SCHEMA, Level.ERROR, place, text, advice, details)


def judge_database(condition: Condition) -> Iterable[Check]:
    """What the database says of itself."""
    if isinstance(condition, SqliteFact):
        yield from _sqlite(condition)
    else:
        yield from _postgres(condition)


def _sqlite(fact: SqliteFact) -> Iterable[Check]:
    said = f"SQLite {fact.version}"
    details = {"database": "SQLite", "version": fact.version, "journal_mode": fact.journal}
    if fact.obstacle:
        yield Check(CheckKind.DATABASE, Level.ERROR, fact.place, f"{said}; {fact.obstacle}", _UNLOCK, details)
    elif fact.journal != "wal":
        text = f"{said}; its journal mode is {fact.journal}, so that readers and writers wait for each other"
        yield Check(CheckKind.DATABASE, Level.WARNING, fact.place, text, "any other command sets it right", details)
    else:
        yield Check(CheckKind.DATABASE, Level.OK, fact.place, said, details=details)
    yield _room(fact)


_UNLOCK = "workers keep what they have finished, and report it once the file can be written"


def _room(fact: SqliteFact) -> Check:
    sizes = {"bytes": fact.size, "wal_bytes": fact.wal, "free_disk_bytes": fact.free_disk}
    text = f"{_mib(fact.size)}, write-ahead log {_mib(fact.wal)}, {_mib(fact.free_disk)} free on the disk"
    level, advice = Level.OK, ""
    if fact.most_pages is not None and fact.pages >= NEARLY_FULL * fact.most_pages:
        sizes |= {"pages": fact.pages, "most_pages": fact.most_pages}
        text += f"; {fact.pages:,} of the {fact.most_pages:,} pages of its quota (max_pages) are used"
        level = Level.ERROR if fact.pages >= fact.most_pages else Level.WARNING
        advice = "raise max_pages, or make room in the file: tasker prune --older-than 30d"
    elif fact.free_disk < LITTLE_DISK:
        level = Level.ERROR if fact.free_disk < TOO_LITTLE_DISK else Level.WARNING
        advice = "make room on the disk; tasker prune frees pages inside the file, which doesn't shrink by that"
    elif fact.wal > LARGE_WAL:
        level = Level.WARNING
        advice = (
            "some process reads in one transaction for a long time (fuser, lsof): end it, and the log is written back"
        )
    return Check(CheckKind.ROOM, level, fact.place, text, advice, sizes)


def _postgres(fact: PostgresFact) -> Iterable[Check]:
    details = {
        "database": "PostgreSQL", "version": fact.version, "connections": fact.connections,
        "max_connections": fact.most_connections,
    }  # fmt: skip
    said = f"PostgreSQL {fact.version}, {fact.connections} of {fact.most_connections} connections"
    if fact.is_standby:
        text = f"{said}; it is a standby, where nothing can be written"
        advice = "name the primary server (libpq: target_session_attrs=read-write)"
        yield Check(CheckKind.DATABASE, Level.ERROR, fact.place, text, advice, details)
    elif fact.connections >= NEARLY_FULL * fact.most_connections:
        advice = "raise max_connections, lower tasker_pool, or put PgBouncer in between"
        yield Check(CheckKind.DATABASE, Level.WARNING, fact.place, said, advice, details)
    else:
        yield Check(CheckKind.DATABASE, Level.OK, fact.place, said, details=details)
    yield _rights(fact)
    yield _durability(fact)
    if fact.oldest is not None and fact.oldest[1] > LONG_TRANSACTION:
        who, age = fact.oldest
        text = f"a transaction of {who} has been open for {span(age)}: dead rows pile up behind it, and claims get slow"
        yield Check(CheckKind.ROOM, Level.WARNING, fact.place, text, "end it (pg_terminate_backend)", {"who": who})


def _rights(fact: PostgresFact) -> Check:
    if not fact.lacking:
        text = "this role may read and write Tasker's tables"
        return Check(CheckKind.RIGHTS, Level.OK, fact.place, text)
    text = f"this role may not read and write all of {listed(fact.lacking)}"
    advice = f"grant select, insert, update, delete on all tables in schema {fact.schema} to it"
    return Check(CheckKind.RIGHTS, Level.ERROR, fact.place, text, advice, {"tables": list(fact.lacking)})


def _durability(fact: PostgresFact) -> Check:
    if not fact.unsafe:
        return Check(CheckKind.DURABILITY, Level.OK, fact.place, "what is committed survives a crash of the server")
    text = f"{listed(fact.unsafe)} off: a crash of the server can lose what was committed"
    advice = "turn it on, unless this store may be lost"
    return Check(CheckKind.DURABILITY, Level.WARNING, fact.place, text, advice, {"off": list(fact.unsafe)})


def judge_contact(place: str, contact: Contact) -> Iterable[Check]:
    """How the database answers from here."""
    took = f"{contact.round_trip / 1_000:.3g} ms for a round trip"
    details = {"round_trip_ms": round(contact.round_trip / 1_000, 3)}
    if contact.round_trip > SLOW:
        advice = "each settled step waits for one: move worker and database together, or see what keeps it busy"
        yield Check(CheckKind.LATENCY, Level.WARNING, place, took, advice, details)
    else:
        yield Check(CheckKind.LATENCY, Level.OK, place, took, details=details)
    if contact.ahead is not None:
        yield _clock(place, contact.ahead)
    if contact.hearing is not None:
        yield _hints(place, contact.hearing)


def _clock(place: str, ahead: Micros) -> Check:
    details = {"database_ahead_ms": round(ahead / 1_000, 3)}
    if abs(ahead) < CLOCKS_DIFFER:
        text = f"the database's and this machine's differ by {abs(ahead) / 1_000:.1f} ms"
        return Check(CheckKind.CLOCK, Level.OK, place, text, details=details)
    text = f"the database's is {span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} this machine's"
    advice = "Tasker goes by the database's; handlers and logs don't. Set both by NTP"
    return Check(CheckKind.CLOCK, Level.WARNING, place, text, advice, details)


def _hints(place: str, hearing: Hearing) -> Check:
    details = {"possible": hearing.is_possible, "took_ms": hearing.took and round(hearing.took / 1_000, 3)}
    if hearing.took is not None:
        text = f"new work is heard of after {hearing.took / 1_000:.1f} ms"
        return Check(CheckKind.HINTS, Level.OK, place, text, details=details)
    if not hearing.is_possible:
        text = "a pooler (PgBouncer) is in between, which carries no LISTEN: idle workers look for new work instead"
        advice = "to have new work start at once, give workers a way past it: TASKER_LISTEN_URL"
        return Check(CheckKind.HINTS, Level.OK, place, text, advice, details)
    text = f"no hint was heard ({hearing.trouble}): idle workers look for new work instead"
    advice = "TASKER_LISTEN_URL must lead to this very database, and not through a pooler"
    return Check(CheckKind.HINTS, Level.WARNING, place, text, advice, details)


def _mib(size: int) -> str:
    return f"{size / MIB:,.1f} MiB"
