"""The peers: what each installs, which workloads it plays, and what must be known to read its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.ground import Ground
from bench.peers.environment import PeerUnavailableError, environment
from bench.peers.run import Place, on_postgres, on_sqlite, play
from bench.rows import Figures, Row


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
    rounds: Mapping[str, int] = field(default_factory=dict)
    """Workloads that are played in fewer rounds than all."""


DBOS = ("dbos==3.4.0", "psycopg[binary]==3.3.9")
QUEUED_BY = "100 a transaction (enqueue_in_transaction)"

PEERS = (
    Peer(
        "DBOS", "dbos", "postgres", on_postgres, DBOS,
        {
            "a1": (400, f"queued beforehand, {QUEUED_BY}"),
            "a2": (400, "one enqueue a call"),
            "a3": (400, QUEUED_BY),
            "a4": (300, "called in process"),
            "b": (100, f"queued beforehand, {QUEUED_BY}"),
            "c": (1, "queued beforehand"),
            "d": (1, "queue polled every 10 ms"),
        },
        note="10 workflows at a time, queue polled every 10 ms: the quickest setting found",
    ),
    Peer(
        "DBOS", "dbos", "sqlite", on_sqlite, DBOS,
        {
            "a1": (400, "queued beforehand, one a call"),
            "a2": (400, "one enqueue a call"),
            "a4": (300, "called in process"),
        },
        note="10 workflows at a time, queue polled every 10 ms",
    ),
    Peer(
        "Absurd", "absurd", "postgres", on_postgres,
        ("absurd-sdk==0.5.1", "absurdctl==0.5.1", "psycopg[binary]==3.3.9"),
        {
            "a1": (800, "queued beforehand, one a call"),
            "a2": (800, "one a call"),
            "a4": (300, "one a call, worker polls every 10 ms, client looks every 2 ms"),
            "b": (200, "queued beforehand, one a call"),
            "c": (2, "queued beforehand, one a call"),
            "d": (1, "worker polls every 10 ms"),
        },
        note="async worker, 10 tasks at a time: the quickest setting found",
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
        return play(ground, where, peer.place, peer.module, workload, tasks)

    return Row(
        peer.name, peer.database, workload, submitted, run, tasks, note=peer.note, rounds=peer.rounds.get(workload, 0)
    )


def names() -> tuple[str, ...]:
    return tuple(dict.fromkeys(peer.name.lower() for peer in PEERS))


def versions(systems: Collection[str]) -> dict[str, str]:
    """What each of ``systems`` is made of."""
    return {peer.name: ", ".join([*peer.packages, *peer.node_packages]) for peer in PEERS if peer.name in systems}
