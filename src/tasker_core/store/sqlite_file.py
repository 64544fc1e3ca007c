"""The file of a SQLite store: where it may lie, and how it stands."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from tasker_core.errors import StoreError
from tasker_core.rules.symptoms import SqliteFact
from tasker_core.store.statements import migrations

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"}
)


def refuse_impossible_places(path: Path) -> None:
    """Raise StoreError where no database can lie at ``path``, or none that is safe."""
    if path.is_dir():
        raise StoreError(f"{path} is a directory; name the file of the database")
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the directory {path.parent} doesn't exist; make it first")
    if (kind := file_system(path.parent)) in NETWORK_FILE_SYSTEMS:
        raise StoreError(
            f"{path} is on a network file system ({kind}), where SQLite's locks can't be trusted; "
            "use a local disk, or PostgreSQL"
        )


def condition_of(path: Path, sql: Mapping[str, str], most_pages: int | None, obstacle: Callable[[], str]) -> SqliteFact:
    """How the file stands, looked at through a connection that can't change it: it may be anybody's.

    ``obstacle`` tells why it can't be written at this moment; only a store of Tasker's is asked for that.
    """
    if not path.exists():
        raise StoreError(
            f"there is no file {path}. The first client or worker makes it; if there should be one, say where: "
            "--database-url, or TASKER_DATABASE_URL"
        )
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as look:
        ((version, journal, pages),) = look.execute(sql["doctor_database"]).fetchall()
        ((has_schema,),) = look.execute(sql["has_schema"], {"book": "tasker_schema"}).fetchall()
        schema = look.execute(sql["schema_version"]).fetchone()[0] if has_schema else 0
    log = path.with_name(f"{path.name}-wal")
    return SqliteFact(
        version,
        str(path),
        schema,
        migrations("lite")[-1][0],
        journal,
        path.stat().st_size,
        log.stat().st_size if log.exists() else 0,
        shutil.disk_usage(path.parent).free,
        pages,
        most_pages,
        obstacle() if schema else "",
    )


def file_system(folder: Path) -> str:
    """The type of the file system that holds ``folder``, where the system tells (Linux)."""
    try:
        mounts = Path("/proc/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return "unknown"
    best, kind = "", "unknown"
    for fields in (line.split() for line in mounts):
        place = fields[1].replace("\\040", " ")
        if folder.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, fields[2]
    return kind
