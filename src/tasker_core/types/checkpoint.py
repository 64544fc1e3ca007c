"""Where an earlier attempt of a long step left off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


class Checkpointed:
    """Reads what the last ``checkpoint_yield`` saved; who mixes this in has it as ``checkpoint``."""

    if TYPE_CHECKING:

        @property
        def checkpoint(self) -> dict[str, Any] | None: ...

    @property
    def checkpoint_cursor(self) -> Any:
        """The cursor of the last checkpoint, or None."""
        return (self.checkpoint or {}).get("cursor")

    @property
    def checkpoint_items_processed(self) -> int:
        """How many items were done at the last checkpoint."""
        return (self.checkpoint or {}).get("items_processed") or 0

    @property
    def accumulated_results(self) -> Any:
        """What the last checkpoint had gathered, or None."""
        return (self.checkpoint or {}).get("accumulated_results")

    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return self.checkpoint is not None
