"""Reads the ``.sql`` files: one text for both databases, a handful of marked lines.

A line that ends in ``--pg`` or ``--lite`` belongs to that database alone. ``tasker.<name>`` becomes
``"<schema>".<name>`` on PostgreSQL and ``tasker_<name>`` on SQLite; ``:name`` is a parameter. A statement begins with
``-- name: <its name>`` and the comment below that says why it is as it is. What several statements of a file have in
common stands once, below ``-- fragment: <its name>``, and in each of them as ``-- use: <its name>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Literal, TypeAlias

Dialect: TypeAlias = Literal["pg", "lite"]

_HEAD = re.compile(r"^-- (name|fragment): (\w+)$", re.MULTILINE)
_USE = re.compile(r"^-- use: (\w+)$", re.MULTILINE)
_TABLE = re.compile(r"\btasker\.(\w+)")
_INDEX = re.compile(r"\b(create (?:unique )?index )(\w+)( on)")
_CREATE = re.compile(r'create table (?:"\w+"\.)?(\w+)')
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)")
_SCHEMA = "<schema>"
"""Stands in a statement for the name of a schema."""
_COMMENT = re.compile(r"\s*--.*$")


@cache
def statements(dialect: Dialect, schema: str = "tasker") -> dict[str, str]:
    """Every statement of the store by name, ready for this database."""
    return {name: text.replace(_SCHEMA, schema) for name, text in _of_any_schema(dialect).items()}


@cache
def _of_any_schema(dialect: Dialect) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in _files():
        for name, text in named(file.read_text("utf-8")):
            if name in found:
                raise ValueError(f"{file.name}: statement {name!r} is defined twice")
            found[name] = render(text, dialect, _SCHEMA)
    return found


def named(text: str) -> Iterator[tuple[str, str]]:
    """(name, text) of each statement of a file, with the fragments that it uses."""
    _, *parts = _HEAD.split(text)
    heads = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    fragments = {name: body.rstrip() for kind, name, body in heads if kind == "fragment"}
    for kind, name, body in heads:
        if kind == "name":
            yield name, _USE.sub(lambda use: fragments[use[1]], body)


@cache
def migrations(dialect: Dialect, schema: str = "tasker") -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """(version, name, statements) of each migration, in order."""
    folder = resources.files("tasker_core.store").joinpath("sql", "migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(
        (int(f.name[:4]), f.name.removesuffix(".sql"), _split(render(f.read_text("utf-8"), dialect, schema, ddl=True)))
        for f in files
    )


def tables(dialect: Dialect, schema: str = "tasker") -> list[str]:
    """The names of the tables that the migrations make, as the database knows them."""
    texts = (statement for _, _, script in migrations(dialect, schema) for statement in script)
    return [found[1] for text in texts if (found := _CREATE.match(text))]


def render(text: str, dialect: Dialect, schema: str, *, ddl: bool = False) -> str:
    """``text`` for one database: its marked lines, its table names, its way to write parameters."""
    other = "--lite" if dialect == "pg" else "--pg"
    lines = (_COMMENT.sub("", line) for line in text.splitlines() if not line.rstrip().endswith(other))
    sql = "\n".join(line for line in lines if line.strip())
    if dialect == "lite":
        sql = _INDEX.sub(r"\1tasker_\2\3", sql)
        return _TABLE.sub(r"tasker_\1", sql)
    sql = _TABLE.sub(rf'"{schema}".\1', sql)
    return sql if ddl else _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


def _files() -> list[resources.abc.Traversable]:
    folder = resources.files("tasker_core.store").joinpath("sql")
    return sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)


def _split(script: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in script.split(";") if part.strip())
