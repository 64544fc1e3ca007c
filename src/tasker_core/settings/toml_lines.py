"""The lines of a TOML file's keys, which Python's reader doesn't tell.

The text has been read already, so it is known to be TOML: what is looked for here is only where its keys stand.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from typing import Any

from tasker_core.settings.layers import Place

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DOTTED = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_DOTTED})[ \t]*\]")
_ENTRY = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]"
    r"|[^\"'\#\[\]{}\n]+",
    re.DOTALL,
)


def lines_of(text: str) -> dict[Place, int]:
    """The line, counted from 1, of each table and each key; those inside an inline table aren't told.

    >>> lines_of('a = 1\\n[b.c]\\nd = [\\n 1]\\n[[e]]\\nf = 2\\n')
    {('a',): 1, ('b', 'c'): 2, ('b', 'c', 'd'): 3, ('e', 0): 5, ('e', 0, 'f'): 6}
    """
    text = text.replace("\r\n", "\n")
    lines: dict[Place, int] = {}
    counts: Counter[Place] = Counter()
    table: Place = ()
    at, line = 0, 1
    while at < len(text):
        if header := _HEADER.match(text, at):
            table = _resolve(_parts(header[2]), counts)
            if header[1] == "[[":
                counts[table] += 1
                table = (*table, counts[table] - 1)
            lines.setdefault(table, line)
            at = header.end()
        elif entry := _ENTRY.match(text, at):
            lines.setdefault((*table, *_parts(entry[1])), line)
            at = entry.end()
        at, line = _after_this_line(text, at, line)
    return lines


def _after_this_line(text: str, at: int, line: int) -> tuple[int, int]:
    """Where the next header or entry may begin: after the value, over however many lines it goes."""
    depth = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return len(text), line
        at = token.end()
        line += token[0].count("\n")
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        elif token[0] == "\n" and depth <= 0:
            break
    return at, line


def _parts(dotted: str) -> tuple[str, ...]:
    """The parts of a dotted key, unquoted by the one who knows how."""
    value: Any = tomllib.loads(f"{dotted} = 0")
    parts: list[str] = []
    while isinstance(value, dict):
        ((part, value),) = value.items()
        parts.append(part)
    return tuple(parts)


def _resolve(parts: tuple[str, ...], counts: Counter[Place]) -> Place:
    """A header below a list of tables means its newest one; the header of a list means the list itself."""
    place: Place = ()
    for n, part in enumerate(parts, 1):
        place = (*place, part)
        if counts[place] and n < len(parts):
            place = (*place, counts[place] - 1)
    return place
