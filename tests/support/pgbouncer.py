"""A real PgBouncer in transaction mode before a server, where the machine has one."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg

from tests.support.postgres import PORTS
from tests.support.postgres_address import Address
from tests.support.postgres_binaries import reachable_directory, server_account

START_TIMEOUT = 20.0


def pgbouncer_program() -> Path | None:
    """Returns the path of the program ``pgbouncer``, or None when this machine has none."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


@contextlib.contextmanager
def pgbouncer(server: Address, *, settings: Mapping[str, str] | None = None) -> Iterator[Address | None]:
    """Runs a PgBouncer before ``server`` and yields the address that goes through it: same role, same databases.

    Yields None when no ``pgbouncer`` is installed; the test decides what that means. ``settings`` are PgBouncer's own,
    transaction mode and a pool of 10 connections unless they say otherwise.
    """
    program = pgbouncer_program()
    if program is None:
        yield None
        return
    account = server_account()
    directory = Path(tempfile.mkdtemp(prefix="tasker-pgb-", dir=reachable_directory(account)))
    try:
        with contextlib.ExitStack() as running:
            for port in random.sample(PORTS, 10):
                configuration = _configure(directory, port, server, settings or {})
                for path in (directory, *directory.iterdir()):
                    os.chown(path, account.uid, account.gid)
                process = subprocess.Popen(
                    [program, configuration],
                    cwd=directory,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    **account.process_options,
                )
                running.callback(_end, process)
                base = urlsplit(server.base)
                who = base.netloc.rpartition("@")[0]
                address = replace(server, base=base._replace(netloc=f"{who}@127.0.0.1:{port}").geturl())
                if _answers(process, address):
                    yield address
                    return
            raise RuntimeError(f"{program} didn't start; its log:\n{(directory / 'log').read_text()}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _configure(directory: Path, port: int, server: Address, settings: Mapping[str, str]) -> Path:
    parts = urlsplit(server.base)
    users = directory / "users"
    users.touch(mode=0o600)
    users.write_text(f'"{unquote(parts.username or "")}" "{unquote(parts.password or "")}"\n')
    chosen = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": str(users),
        "pool_mode": "transaction",
        "default_pool_size": "10",
        "max_client_conn": "200",
        "logfile": str(directory / "log"),
        **settings,
    }
    configuration = directory / "pgbouncer.ini"
    lines = [f"{name} = {value}" for name, value in chosen.items()]
    upstream = f"* = host={parts.hostname} port={parts.port or 5432}"
    configuration.write_text("\n".join(["[databases]", upstream, "[pgbouncer]", *lines, ""]))
    return configuration


def _answers(process: subprocess.Popen[bytes], address: Address) -> bool:
    deadline = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(address.base, connect_timeout=5).close()
            return True
        time.sleep(0.05)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
