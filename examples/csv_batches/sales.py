"""Files of sales: written row by row, cut at line ends, read some rows at a time; never a whole file in memory."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

HEADER = ("sale", "sku", "cents")
SKUS = ("tea", "pot", "cup", "kettle", "spoon")

Sums = dict[str, list[int]]
"""By article: how many rows, how many cents."""


def write_sales(path: Path, rows: int, seed: int = 1) -> Sums:
    """Write a file of so many sales; what adding it up should find."""
    chance, sold, earned = Random(seed), Counter[str](), Counter[str]()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for sale in range(1, rows + 1):
            sku, cents = chance.choice(SKUS), chance.randint(50, 9_999)
            writer.writerow((sale, sku, cents))
            sold[sku] += 1
            earned[sku] += cents
    return {sku: [sold[sku], earned[sku]] for sku in sorted(sold)}


def cut(path: Path, size: int) -> Iterator[tuple[int, int]]:
    """Pieces of about ``size`` bytes, as (first byte, one past the last); each begins and ends at the end of a line."""
    with path.open("rb") as file:
        file.readline()
        start, end = file.tell(), path.stat().st_size
        while start < end:
            file.seek(min(start + size, end) - 1)
            file.readline()
            yield start, file.tell()
            start = file.tell()


def add_rows(path: Path, start: int, end: int, most: int, sums: Sums) -> tuple[int, int]:
    """Add at most ``most`` rows from the byte ``start`` on, and none behind ``end``, to ``sums``.

    Returns where the next row begins, and how many were added.
    """
    with path.open("rb") as file:
        file.seek(start)
        added = 0
        for line in itertools.islice(iter(file.readline, b""), most):
            ((_, sku, cents),) = csv.reader([line.decode()])
            sold = sums.setdefault(sku, [0, 0])
            sold[0] += 1
            sold[1] += int(cents)
            start += len(line)
            added += 1
            if start >= end:
                break
        return start, added
