"""The page about the command, of which the tables of arguments and options are made from the code.

``python -m tests.docs.command_page`` writes them anew. What stands around them is written by hand and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from tasker_core.cli.app import app

PAGE = Path(__file__).parents[2] / "docs/reference/command.md"
SHARED = {"--json", "--database-url", "--help"}
"""Options that one table tells for all commands."""
MARKED = re.compile(r"<!-- options of `([^`]*)` -->\n.*?<!-- end -->\n", re.DOTALL)


def commands() -> dict[str, Any]:
    """Every command by its name, ``tasker task get`` say, in the order in which the code has them."""

    def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        subcommands = getattr(command, "commands", None)
        if subcommands is None or command.invoke_without_command or name == "tasker":
            yield name, command
        for word, each in (subcommands or {}).items():
            if not each.hidden:
                yield from walk(each, f"{name} {word}")

    return dict(walk(typer.main.get_command(app), "tasker"))


def options(name: str, command: Any) -> str:
    """The table of a command's arguments and options, between its marks."""
    rows = [_row(each) for each in command.params if not each.hidden and not SHARED & set(each.opts)]
    table = ["| | |", "|---|---|", *rows] if rows else ["It takes no arguments and no options of its own."]
    return "\n".join([f"<!-- options of `{name}` -->", *table, "<!-- end -->", ""])


def _row(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    says = (parameter.help or "").replace("|", "\\|")
    if is_argument:
        word = parameter.name.upper()
        return f"| `{word}`{'' if parameter.required else ', may be left out'} | {says} |"
    shown = [f"`{option}`" for option in sorted(parameter.opts, key=len, reverse=True)]
    if not parameter.is_flag:
        shown[0] = f"`{max(parameter.opts, key=len)} {_value(parameter.type_descriptor.annotation)}`"
    return f"| {', '.join(shown)} | {says} |"


def _value(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "\\|".join(kind)
    return {int: "NUMBER", float: "NUMBER", Path: "FILE"}.get(kind, "TEXT")


def rewritten(page: str) -> str:
    """The page with its tables as the code has them; a command that it doesn't name yet gets a part of its own."""
    known = commands()

    def anew(mark: re.Match[str]) -> str:
        return options(mark[1], known[mark[1]]) if mark[1] in known else ""

    written = MARKED.sub(anew, page)
    there = set(re.findall(r"<!-- options of `([^`]*)` -->", written))
    for name, command in known.items():
        if name not in there:
            told = re.sub(r"\s*\n\s*\n\s*", "\n\n", (command.help or "").strip())
            part = f"## `{name}`\n\n{told}\n\n{options(name, command)}\n"
            group = [*re.finditer(rf"^## `{name.rpartition(' ')[0]} .*?(?=^## |\Z)", written, re.MULTILINE | re.DOTALL)]
            at = group[-1].end() if group else len(written)
            written = f"{written[:at].rstrip()}\n\n{part}{written[at:]}"
    return written.rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text("utf-8")), "utf-8")
