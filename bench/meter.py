"""What a stretch of work costs: CPU of the workers and of the database's server, transactions and WAL of PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass

from bench.processes import cpu_seconds

ROWS = "tup_inserted + tup_updated + tup_deleted"
BOOKS = f"select xact_commit, {ROWS} from pg_stat_database where datname = current_database()"
WAL = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the books stand. Seconds of CPU, bytes of WAL since the server was made; transactions and row writes."""

    workers: float = 0.0
    database: float = 0.0
    wal: float = 0.0
    commits: float = 0.0
    rows: float = 0.0


@dataclass(frozen=True, slots=True)
class Meter:
    """Reads the books of PostgreSQL at ``url`` (none where that is empty) and of the server processes ``servers``."""

    url: str = ""
    servers: tuple[int, ...] = ()

    def read(self, *workers: int, started: float = 0.0) -> Reading:
        """Where they stand; ``started`` is the CPU that the workers' start took. Counts lag while sessions live."""
        cpu = sum(cpu_seconds(pid) for pid in workers) - started
        database = sum(cpu_seconds(pid) for pid in self.servers)
        if not self.url:
            return Reading(cpu, database)
        import psycopg  # not every peer's environment has it

        with psycopg.connect(self.url, autocommit=True) as connection:
            ((wal,),) = connection.execute(WAL).fetchall()
            ((commits, rows),) = connection.execute(BOOKS).fetchall()
        return Reading(cpu, database, float(wal), float(commits), float(rows))


def per_step(before: Reading, after: Reading, ended: Reading, steps: int) -> dict[str, float]:
    """The costs of one step: ``before`` the workers began, ``after`` their work, and when they had ``ended``."""
    figures = {"worker CPU us/step": 1e6 * (after.workers - before.workers) / steps}
    if after.database:
        figures["database CPU us/step"] = 1e6 * (after.database - before.database) / steps
    if after.wal:
        figures["WAL bytes/step"] = (ended.wal - before.wal) / steps
        figures["transactions/step"] = (ended.commits - before.commits) / steps
        figures["row writes/step"] = (ended.rows - before.rows) / steps
    return figures
