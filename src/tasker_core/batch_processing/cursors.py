"""Cutting a number of items into ranges: pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tasker_core.types import BatchCursor, CursorConfig


@dataclass(frozen=True)
class BatchWorkerConfig:
    """The share of one of several workers: the items from ``cursor_start`` up to, not including, ``cursor_end``."""

    batch_id: str
    cursor_start: int
    cursor_end: int
    row_count: int
    worker_index: int
    total_workers: int

    def to_dict(self) -> dict[str, Any]:
        """All fields, as a dict."""
        return asdict(self)


def batch_id_of(index: int) -> str:
    """The id of the batch at ``index`` (from 0). Id 000 is left to the placeholder for no batches.

    >>> batch_id_of(0), batch_id_of(999)
    ('001', '1000')
    """
    return f"{index + 1:03d}"


def ranges_of(total_items: int, batch_size: int, max_batches: int | None = None) -> list[tuple[int, int]]:
    """Ranges of ``batch_size`` items, the last one shorter; larger ones where there would be more than ``max_batches``.

    >>> ranges_of(250, 100)
    [(0, 100), (100, 200), (200, 250)]
    >>> ranges_of(250, 10, max_batches=2)
    [(0, 125), (125, 250)]

    Raises:
        ValueError: ``total_items`` is negative, or ``batch_size`` isn't positive while there are items.
    """
    if total_items < 0:
        raise ValueError(f"total_items must not be negative, got {total_items}")
    if total_items == 0:
        return []
    if batch_size <= 0:
        raise ValueError(f"batch_size must be positive, got {batch_size}")
    if max_batches is not None and max_batches > 0:
        batch_size = max(batch_size, -(-total_items // max_batches))
    return [(start, min(start + batch_size, total_items)) for start in range(0, total_items, batch_size)]


def shares_of(total_items: int, worker_count: int) -> list[BatchWorkerConfig]:
    """At most ``worker_count`` shares of equal size, the last one shorter.

    >>> [(share.batch_id, share.row_count) for share in shares_of(10, 3)]
    [('001', 4), ('002', 4), ('003', 2)]

    Raises:
        ValueError: ``worker_count`` isn't positive, or ``total_items`` is negative.
    """
    if worker_count <= 0:
        raise ValueError(f"worker_count must be positive, got {worker_count}")
    ranges = ranges_of(total_items, -(-total_items // worker_count))
    return [
        BatchWorkerConfig(batch_id_of(index), start, end, end - start, index, len(ranges))
        for index, (start, end) in enumerate(ranges)
    ]


def cursor_of(index: int, given: CursorConfig | BatchWorkerConfig | BatchCursor | Mapping[str, Any]) -> dict[str, Any]:
    """One batch in the shape that the engine reads."""
    if isinstance(given, CursorConfig):
        start, end = given.start_cursor, given.end_cursor
        return {
            "batch_id": batch_id_of(index),
            "start_cursor": start,
            "end_cursor": end,
            "batch_size": end - start,
        }
    if isinstance(given, BatchWorkerConfig):
        return {
            "batch_id": given.batch_id,
            "start_cursor": given.cursor_start,
            "end_cursor": given.cursor_end,
            "batch_size": given.row_count,
        }
    cursor = given.model_dump() if isinstance(given, BatchCursor) else dict(given)
    cursor.setdefault("batch_id", batch_id_of(index))
    if "batch_size" not in cursor:
        cursor["batch_size"] = _width(cursor.get("start_cursor"), cursor.get("end_cursor"))
    return cursor


def _width(start: Any, end: Any) -> int:
    if isinstance(start, int) and isinstance(end, int):
        return end - start
    raise ValueError(f"a batch from {start!r} to {end!r} needs its batch_size, since its cursors are not numbers")
