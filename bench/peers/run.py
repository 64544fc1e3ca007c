"""Starts a peer's play in its own environment, and reads its figures."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

from bench.ground import Ground
from bench.peers.environment import ROOT, PeerUnavailableError
from bench.peers.inside.order import Order
from bench.peers.places import Place
from bench.rows import Figures

PLAY_WITHIN = 420


def play(ground: Ground, environment: Path, place: Place, peer: str, workload: str, tasks: int) -> Figures:
    """The figures of one run. Raises PeerUnavailableError with what the peer said when it fails."""
    python = environment / "bin" / "python"
    with ground.directory() as directory, contextmanager(place)(ground, environment, directory) as (url, servers):
        order = Order(peer, workload, tasks, url, str(directory), tuple(servers))
        command = [str(python), "-m", f"bench.peers.inside.{peer}", order.written("submitter")]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "TASKER_"))}
        # Whatever a peer writes into its home is gone afterwards.
        own = inherited | {"HOME": str(directory), "PYTHONPATH": str(ROOT), "BENCH_ENVIRONMENT": str(environment)}
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=PLAY_WITHIN, check=False
            )
        except subprocess.TimeoutExpired:
            raise PeerUnavailableError(f"{peer} {workload}: not finished within {PLAY_WITHIN} s") from None
        if done.returncode != 0:
            raise PeerUnavailableError(f"{peer} {workload} failed: {_last(done.stderr)}")
        figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
        return figures


def _last(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    return " / ".join(lines[-4:])[-600:]
