"""Places in a text where somebody could make a mistake, and the text with that mistake in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

Sites: TypeAlias = Iterator[tuple[str, str]]
"""The text with a mistake, and a word for it."""
Kind: TypeAlias = Callable[[str], Sites]

OTHER_TYPE = {"string": "integer", "integer": "string", "int": "str", "str": "int", "bool": "list[str]"}


def slip(word: str) -> str:
    """A slip of the fingers in the middle of a word: two letters change places, or the last one is forgotten.

    >>> slip("validate_cart"), slip("pay")
    ('validaet_cart', 'pa')
    """
    letters = [n for n in range(len(word) // 2, len(word) - 1) if word[n] != word[n + 1] and word[n : n + 2].isalpha()]
    if not letters:
        return word[:-1]
    n = letters[0]
    return word[:n] + word[n + 1] + word[n] + word[n + 2 :]


def each(pattern: str, text: str, change: Callable[[str], str], flags: int = 0) -> Sites:
    """A mutant for each match: its group 1 changed."""
    for match in re.finditer(pattern, text, flags):
        new = change(match[1])
        if new != match[1]:
            yield text[: match.start(1)] + new + text[match.end(1) :], f"{match[1]!r} -> {new!r}"


def within(block: str, text: str) -> tuple[int, int]:
    """Where the mapping or list under a key of the template stands."""
    match = re.search(rf"^{block}:\n((?:[ #].*\n|\n)*)", text, re.MULTILINE)
    return (match.start(1), match.end(1)) if match else (0, 0)


def each_within(block: str, pattern: str, text: str, change: Callable[[str], str]) -> Sites:
    start, end = within(block, text)
    for new, what in each(pattern, text[start:end], change):
        yield text[:start] + new + text[end:], what
