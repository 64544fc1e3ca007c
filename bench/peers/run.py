"""Starts a peer's play in its own environment, and reads its figures."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.ground import Ground
from bench.peers.environment import ROOT, PeerUnavailableError
from bench.peers.inside.order import Order
from bench.peers.places import Place
from bench.rows import Figures
from bench.wire import Counted, Wire

PLAY_WITHIN = 420


def play(ground: Ground, environment: Path, place: Place, peer: str, workload: str, tasks: int) -> Figures:
    """The figures of one run. Raises PeerUnavailableError with what the peer said when it fails."""
    return _play(ground, environment, place, Order(peer, workload, tasks), None)


def round_trips(ground: Ground, environment: Path, place: Place, peer: str, tasks: int) -> Figures:
    """Round trips of a step under load: what A1 with more tasks sends more than A1 with few, counted on the wire."""
    few, many = (Order(peer, "a1", count) for count in (tasks // 5, tasks))
    passed = []
    for order in (few, many):
        counted = Counted()
        _play(ground, environment, place, order, counted)
        passed.append(counted.round_trips)
    return {"loaded: round trips/step": (passed[1] - passed[0]) / ((many.tasks - few.tasks) * many.steps)}


def _play(ground: Ground, environment: Path, place: Place, order: Order, counted: Counted | None) -> Figures:
    python = environment / "bin" / "python"
    with ExitStack() as stack:
        directory = stack.enter_context(ground.directory())
        url, servers = stack.enter_context(contextmanager(place)(ground, environment, directory))
        if counted is not None:
            url = stack.enter_context(Wire(url, counted)).url
        order = order.at(url, str(directory), servers)
        command = [str(python), "-m", f"bench.peers.inside.{order.peer}", order.written("submitter")]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "TASKER_"))}
        # Whatever a peer writes into its home is gone afterwards.
        own = inherited | {"HOME": str(directory), "PYTHONPATH": str(ROOT)}
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=PLAY_WITHIN, check=False
            )
        except subprocess.TimeoutExpired:
            raise PeerUnavailableError(f"not finished within {PLAY_WITHIN} s") from None
        if done.returncode != 0:
            raise PeerUnavailableError(f"failed: {_last(done.stderr)}")
        figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
        return figures


def _last(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    return " / ".join(lines[-4:])[-600:]
