"""A PostgreSQL server of one's own: made, started, stopped and restarted by a test, gone when its process is.

with Server(installations()[0]) as server:
    url = server.create_database()
    server.restart("immediate")
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Literal, Self

import psycopg

from tests.support.postgres_address import Address
from tests.support.postgres_binaries import (
    Account,
    Installation,
    PostgresUnavailableError,
    reachable_directory,
    server_account,
)

StopMode = Literal["smart", "fast", "immediate", "kill"]
SIGNALS: Mapping[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
    "kill": signal.SIGKILL,
}
SUPERUSER = "tasker_tests"
START_TIMEOUT = 60.0

# Below every system's range for outgoing connections: a client that knocks at a stopped server's port can otherwise
# be given that very port as its own end, talk to itself, and keep the server from coming back.
PORTS = range(20_000, 32_000)

# Runs beside each server and ends it when its standard input closes, which a dying process can't forget to do.
WATCH = """
read -r _
kill -INT "$0" 2>/dev/null
tries=0
while [ -e "$1/data/postmaster.pid" ] && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf "$1"
"""


class Server:
    """A server in a fresh directory, on a loopback port of its own that stays the same over restarts.

    ``fsync=False`` is for tests that don't crash the machine under the server. ``settings`` are PostgreSQL's own. The
    server ends with the process that started it; with ``watched`` (a pipe's reading end) it ends when that pipe closes.
    """

    def __init__(
        self,
        installation: Installation,
        *,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
        watched: IO[bytes] | None = None,
    ) -> None:
        self.installation = installation
        self.account: Account = server_account()
        self.directory = Path(tempfile.mkdtemp(prefix="tasker-pg-", dir=reachable_directory(self.account)))
        os.chown(self.directory, self.account.uid, self.account.gid)
        self.log = self.directory / "log"
        self._password = secrets.token_urlsafe(16)
        self._watched = watched
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        self._port: int | None = None
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory),
            "max_connections": "200",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            **({} if fsync else {"fsync": "off", "full_page_writes": "off"}),
            **(settings or {}),
        }

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def version(self) -> tuple[int, ...]:
        """Major and minor number, as ``(18, 1)``."""
        return self.installation.version

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def address(self) -> Address:
        """Where to connect. Stays valid over restarts."""
        if self._port is None:
            raise RuntimeError("this server was never started, so it has no address: call start() first")
        return Address(f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}/postgres", self.version)

    def url(self, dbname: str = "postgres") -> str:
        """Returns the URL of one database of this server, for its superuser."""
        return self.address.url(dbname)

    def create_database(self, *, template: str | None = None) -> str:
        """Creates an empty database, or a copy of ``template``, and returns its URL."""
        return self.address.create_database(template=template)

    def start(self) -> None:
        """Starts the server and returns when it answers. Raises PostgresUnavailableError with its log if it doesn't."""
        if self.is_running:
            return
        if not self._data.exists():
            self._make_cluster()
        deadline = time.monotonic() + START_TIMEOUT
        ports = [self._port] if self._port else random.sample(PORTS, 20)
        while True:
            self._port = port = ports[0]
            if self._launch(port, deadline):
                return
            # A postmaster that was killed leaves children that need a moment to notice; a port may be another's.
            complaint = self._log_tail()
            if "still in use" not in complaint and "already in use" not in complaint:
                raise PostgresUnavailableError(f"PostgreSQL in {self._bin} didn't start; its log ends:\n{complaint}")
            if time.monotonic() > deadline:
                raise PostgresUnavailableError(f"PostgreSQL in {self._bin} found no way to start:\n{complaint}")
            ports = ports[1:] or ports
            time.sleep(0.1)

    def stop(self, mode: StopMode = "fast") -> None:
        """Stops the server: ``smart`` waits for clients, ``immediate`` is a crash, ``kill`` gives it no say at all."""
        self._unwatch()
        if self._process is not None:
            self._process.send_signal(SIGNALS[mode])
            self._process.wait(timeout=START_TIMEOUT)
            self._process = None

    def restart(self, mode: StopMode = "fast") -> None:
        """Stops and starts the server; its address and its data stay."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Ends the server and removes its directory."""
        if self.is_running:
            self.stop("immediate")
        self._unwatch()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @functools.cached_property
    def _bin(self) -> Path:
        """The programs, copied where the account can reach them if it can't as they are (a checkout in /root, say)."""
        if self.account.reaches(self.installation.bin / "postgres"):
            return self.installation.bin
        copy = self.directory / "programs"
        for part in self.installation.parts:
            shutil.copytree(self.installation.root / part, copy / part, ignore=shutil.ignore_patterns("include"))
        for path in [copy, *copy.rglob("*")]:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)
        return copy / self.installation.bin.relative_to(self.installation.root)

    def _make_cluster(self) -> None:
        secret = self.directory / "password"
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        os.chown(secret, self.account.uid, self.account.gid)
        options = ["--username", SUPERUSER, f"--pwfile={secret}", "--auth", "scram-sha-256", "--no-sync"]
        outcome = subprocess.run(
            [self._bin / "initdb", "--pgdata", self._data, "--encoding", "UTF8", "--locale", "C", *options],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
            **self.account.process_options,
        )
        if outcome.returncode != 0:
            raise PostgresUnavailableError(f"{self._bin / 'initdb'} failed:\n{outcome.stdout}{outcome.stderr}")

    def _launch(self, port: int, deadline: float) -> bool:
        if not _is_free(port):
            self.log.write_text(f"port {port} is already in use\n")
            return False
        settings = [f"-c{name}={value}" for name, value in (self._settings | {"port": str(port)}).items()]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, *settings],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self._environment,
                **self.account.process_options,
            )
        self._keep_watch(self._process.pid)
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url(), connect_timeout=5).close()
                return True
            time.sleep(0.02)
        self.stop("immediate")
        return False

    def _keep_watch(self, pid: int) -> None:
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, str(pid), self.directory],
            cwd="/",
            stdin=self._watched or subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self.account.process_options,
        )

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.kill()
            self._watch.wait()
            if self._watch.stdin:
                self._watch.stdin.close()
            self._watch = None

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    @functools.cached_property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
