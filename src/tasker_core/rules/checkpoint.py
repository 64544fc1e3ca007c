"""Checkpoints: what is kept of a step that yields, for the attempt that goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_REMEMBERED = 20
"""How many earlier cursors a checkpoint tells; the step's attempts tell them all."""


class CheckpointError(ValueError):
    """A checkpoint that can't be kept. ``is_stall`` when nothing was done since the one before."""

    def __init__(self, message: str, *, is_stall: bool = False) -> None:
        super().__init__(message)
        self.is_stall = is_stall


def checkpoint_after(before: Mapping[str, Any] | None, said: Any, at: str) -> dict[str, Any]:
    """What is kept of a step that said ``said`` at the time ``at`` (ISO 8601) and whose last checkpoint was ``before``.

    Raises CheckpointError for what isn't a checkpoint, and for one that repeats the one before: such a step would run
    for ever and never spend an attempt.

    >>> first = checkpoint_after(None, {"cursor": 10, "items_processed": 10}, "2027-01-15T08:00:00Z")
    >>> checkpoint_after(first, {"cursor": 20, "items_processed": 20}, "2027-01-15T08:00:09Z")["history"]
    [{'cursor': 10, 'timestamp': '2027-01-15T08:00:00Z'}]
    """
    said = said if isinstance(said, Mapping) else {}
    done = said.get("items_processed")
    if "cursor" not in said or isinstance(done, bool) or not isinstance(done, int) or done < 0:
        raise CheckpointError(
            "a checkpoint needs a cursor and items_processed, a whole number of 0 or more; "
            f"checkpoint_yield(cursor, items_processed) makes one; found items_processed {done!r:.100}"
        )
    saved = {"cursor": said["cursor"], "items_processed": done, "timestamp": at}
    saved["accumulated_results"] = said.get("accumulated_results")
    history = list(before.get("history", ())) if before else []
    if before is not None:
        if all(before.get(key) == saved[key] for key in ("cursor", "items_processed", "accumulated_results")):
            raise CheckpointError("this checkpoint is the same as the one before it: nothing was done", is_stall=True)
        history.append({"cursor": before.get("cursor"), "timestamp": before.get("timestamp")})
    saved["history"] = history[-MOST_REMEMBERED:]
    return saved
