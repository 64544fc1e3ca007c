"""The tables of docs/reference/checks.md as the code has them. Run as a module it prints them."""

from __future__ import annotations

from collections.abc import Iterator

from tasker_core.check.codes import CODES

FIRST_OF_TEMPLATES = "UNREADABLE"
HEAD = "| code | level | what | why it matters | how to mend it |\n|---|---|---|---|---|"


def compared() -> str:
    """What comparing templates with their handlers finds."""
    return "\n".join([HEAD, *_rows(of_templates=False)])


def of_templates() -> str:
    """What a template shows by itself."""
    return "\n".join([HEAD, *_rows(of_templates=True)])


def _rows(*, of_templates: bool) -> Iterator[str]:
    border = list(CODES).index(FIRST_OF_TEMPLATES)
    for place, (code, known) in enumerate(CODES.items()):
        if (place >= border) is of_templates:
            yield f"| `{code}` | {known.level} | {known.what} | {known.why} | {known.mend} |"


if __name__ == "__main__":
    print(compared(), of_templates(), sep="\n\n")
