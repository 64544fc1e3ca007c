"""The SQL: one text for both databases, every statement named, none of it built from strings elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tasker_core
from tasker_core.store.statements import migrations, render, statements

SOURCE = Path(tasker_core.__file__).parent
SQL = SOURCE / "store" / "sql"
FILES = sorted(SQL.rglob("*.sql"))
MARKED = re.compile(r"--(pg|lite)$")

# What only one of the two databases understands, or what they understand differently.
FOREIGN = {
    "a cast with ::": r"::",
    "an array": r"\barray\b|\[\s*\]|\bunnest\b",
    "ANY": r"\bany\s*\(",
    "now()": r"\bnow\s*\(|\bcurrent_timestamp\b|\bclock_timestamp\b|\bdatetime\s*\(|\bstrftime\b",
    "interval": r"\binterval\b",
    "LATERAL": r"\blateral\b",
    "greatest or least": r"\b(greatest|least)\s*\(",
    "string_agg or group_concat": r"\b(string_agg|group_concat)\s*\(",
    "jsonb or json functions": r"\bjsonb?_\w+\s*\(|->>?",
    "ILIKE or GLOB": r"\b(ilike|glob)\b",
    "INSERT OR": r"\binsert\s+or\b",
    "a data-modifying CTE": r"\bas\s+(not\s+)?(materialized\s+)?\(\s*(insert|update|delete)\b",
    "a locking clause": r"\bfor\s+(no\s+key\s+)?(update|share)\b",
}

CATALOGS = ("pg_", "pragma_", "sqlite_master")
"""What a database tells of itself."""

# Here alone may statements be written: each database's own pragmas, settings and book of migrations.
CONNECTION_CLASSES = {SOURCE / "store" / "sqlite.py", SOURCE / "store" / "postgres.py"}
LOOKS_LIKE_SQL = re.compile(
    r"^\s*(select\s.+\sfrom|insert\s+into|update\s+\S+\s+set|delete\s+from|with\s+\w+\s+as)\s", re.I | re.S
)


def lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers, without comments and the marked ones."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not MARKED.search(line.rstrip()):
            yield number, re.sub(r"--.*$", "", line)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_unmarked_lines_are_in_the_common_dialect(file: Path) -> None:
    found = [
        f"{file.name}:{number}: {what}: {line.strip()}"
        for number, line in lines(file)
        for what, pattern in FOREIGN.items()
        if re.search(pattern, line, re.I)
    ]
    assert found == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_statement_modifies_data_inside_a_cte(file: Path) -> None:
    """Over lines as well, in what each of the two databases gets."""
    for dialect in ("pg", "lite"):
        text = render(file.read_text("utf-8"), dialect, "tasker")
        assert re.findall(FOREIGN["a data-modifying CTE"], text, re.I) == []


@pytest.mark.parametrize(("what", "line"), [
    ("a cast with ::", "select id::text from x"), ("an array", "select array[1]"), ("ANY", "where id = any(:ids)"),
    ("now()", "select now()"), ("interval", "at + interval '1 s'"), ("LATERAL", "join lateral (select 1)"),
    ("greatest or least", "greatest(a, b)"), ("string_agg or group_concat", "string_agg(a, ',')"),
    ("jsonb or json functions", "value->>'a'"), ("jsonb or json functions", "json_each(:b)"),
    ("a data-modifying CTE", "with x as (delete from y)"), ("a data-modifying CTE", "x as materialized ( update y"),
    ("a locking clause", "for no key update of s skip locked"), ("INSERT OR", "insert or ignore into x"),
])  # fmt: skip
def test_the_search_finds_what_it_looks_for(what: str, line: str) -> None:
    assert re.search(FOREIGN[what], line, re.I)


def statement_files() -> list[Path]:
    return [file for file in FILES if file.parent == SQL]


@pytest.mark.parametrize("file", statement_files(), ids=lambda file: file.name)
def test_every_statement_has_a_name_of_its_own(file: Path) -> None:
    text = file.read_text("utf-8")
    head, *rest = re.split(r"^-- name: .*$", text, flags=re.M)
    assert not re.sub(r"--.*", "", head).strip(), "nothing stands before the first name"
    assert rest, "a file holds statements"
    for body in rest:
        sql = "\n".join(line for line in body.splitlines() if not line.rstrip().endswith("--pg"))
        sql = re.sub(r"--.*", "", sql).strip()
        assert sql, "a name has a statement"
        assert ";" not in sql, "a name has one statement"
        starts = re.findall(r"^(?:select|insert|update|delete|with)\b", sql, re.I | re.M)
        assert sql.split(None, 1)[0].lower() in ("select", "insert", "update", "delete", "with"), sql
        assert starts
    names = re.findall(r"^-- name: (.*)$", text, re.M)
    assert len(names) == len(set(names)) and all(re.fullmatch(r"[a-z_]+", name) for name in names)


def test_both_databases_have_the_same_statements_with_the_same_parameters() -> None:
    lite, pg = statements("lite"), statements("pg")
    assert set(lite) == set(pg)
    for name, text in lite.items():
        named = set(re.findall(r"(?<![:\w]):(\w+)", text))
        placed = set(re.findall(r"%\((\w+)\)s", pg[name]))
        # A lock is taken of those that are named where it is taken at all; there is no database's clock on SQLite.
        assert named == placed or name in ("lock_tasks", "lock_gates"), name


@pytest.mark.parametrize("dialect", ["pg", "lite"])
def test_every_table_is_written_with_its_schema(dialect: str) -> None:
    own = '"shop".' if dialect == "pg" else "tasker_"
    for name, text in statements(dialect, "shop").items():
        assert "tasker." not in text, name
        for table in re.findall(r"\b(?:from|join|into|update)\s+([\w\".]+)", text):
            known = table.startswith((own, "json", "clock_timestamp", *CATALOGS)) or table in ctes(text)
            assert known or table in ("set", "skip", "of"), f"{name}: {table}"


def ctes(text: str) -> set[str]:
    return set(re.findall(r"(?:\bwith|,)\s+(?:recursive\s+)?(\w+)(?:\s*\([^)]*\))?\s+as\b", text))


def test_the_schema_of_both_databases_has_the_same_tables_and_indexes() -> None:
    shapes = []
    for dialect in ("lite", "pg"):
        created: list[tuple[str, ...]] = []
        for _, _, script in migrations(dialect, "tasker"):
            for statement in script:
                plain = statement.replace('"tasker".', "tasker_")
                plain = re.sub(r"\b(index) tasker_", r"\1 ", plain)
                head = re.match(
                    r"(create (?:unique )?index \w+ on \w+|create table \w+|alter table .*|insert .*)", plain
                )
                assert head, statement
                columns = tuple(re.findall(r"^  (\w+) (?!key)", plain, re.M)) if "create table" in plain else ()
                created.append((head[1], *columns))
        shapes.append(created)
    assert shapes[0] == shapes[1]


def test_the_migrations_are_numbered_without_a_gap() -> None:
    assert [version for version, _, _ in migrations("lite")] == list(range(1, len(migrations("lite")) + 1))
    names = [name for _, name, _ in migrations("pg")]
    assert all(re.fullmatch(r"\d{4}_[a-z_]+", name) for name in names)


def test_no_sql_is_written_outside_the_sql_files() -> None:
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        for line, text in texts(ast.parse(file.read_text("utf-8"))):
            own = file in CONNECTION_CLASSES and re.search(r"schema_version|tasker_schema|pg_\w+", text)
            if LOOKS_LIKE_SQL.search(text) and not own:
                found.append(f"{file.relative_to(SOURCE)}:{line}: {text.strip()[:60]}")
    assert found == []


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string literal of a module; an f-string as one, with ``{}`` for what is filled in."""
    nodes = list(ast.walk(tree))
    pieces = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
            yield node.lineno, node.value


def test_no_sql_is_built_from_strings() -> None:
    """No statement runs that was put together with an f-string, % or .format, except the two classes' own settings."""
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and _is_built(node.args[0]):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ("execute", "executemany", "executescript") and file not in CONNECTION_CLASSES:
                    found.append(f"{file.relative_to(SOURCE)}:{node.lineno}")
    assert found == []


def _is_built(node: ast.expr) -> bool:
    formatted = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    return isinstance(node, ast.JoinedStr | ast.BinOp) or formatted


def test_a_marked_line_belongs_to_one_database_alone() -> None:
    text = "select 1\nfor update --pg\nlimit 1 --lite\nfrom tasker.steps where a = :a and b = '100%' -- why\n"
    assert render(text, "lite", "s") == "select 1\nlimit 1\nfrom tasker_steps where a = :a and b = '100%'"
    assert render(text, "pg", "s") == "select 1\nfor update\nfrom \"s\".steps where a = %(a)s and b = '100%%'"
