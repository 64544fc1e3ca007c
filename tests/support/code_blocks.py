"""Reads the code blocks of a Markdown document.

A block's language says what becomes of it (see ``tests.support.document_run``). A file name is written either as the
block's first line, ``# file: app/handlers.py``, or after the language: ``json file=order.json``. A block that can't be
executed has a comment directly above it that says why: ``<!-- not executed: needs a Kubernetes cluster -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

FILE_LINE = re.compile(r"#\s*file:\s*(\S+)\s*")
NOT_EXECUTED = re.compile(r"<!--\s*not executed:\s*(.*?)\s*-->\s*", re.DOTALL)


@dataclass(frozen=True)
class CodeBlock:
    """One fenced block: ``line`` is that of its first line of code in the document."""

    document: Path
    line: int
    language: str
    options: dict[str, str]
    code: str
    not_executed: str | None = None
    """Why it isn't executed, when the document says that it isn't."""

    @property
    def file(self) -> str | None:
        """The name under which the block is kept, if it is a file."""
        if "file" in self.options:
            return self.options["file"]
        first = FILE_LINE.fullmatch(self.code.partition("\n")[0])
        return first[1] if first else None

    @property
    def where(self) -> str:
        return f"{self.document}:{self.line}"


def code_blocks(document: Path) -> Iterator[CodeBlock]:
    """Yields the fenced code blocks of a Markdown file, in order."""
    before: Token | None = None
    for token in MarkdownIt().parse(document.read_text(encoding="utf-8")):
        if token.type == "fence":
            yield _block(document, token, before)
        before = token


def _block(document: Path, token: Token, before: Token | None) -> CodeBlock:
    language, *words = token.info.split() or [""]
    options = {key: value for key, _, value in (word.partition("=") for word in words)}
    excuse = NOT_EXECUTED.fullmatch(before.content) if before is not None and before.type == "html_block" else None
    start = token.map[0] if token.map else 0
    return CodeBlock(document, start + 2, language, options, token.content, excuse[1] if excuse else None)
