"""The three handlers: cut the file, count a piece, add up what the pieces came to."""

from __future__ import annotations

import time
from pathlib import Path

from examples.csv_batches.sales import Sums, add_rows, cut
from tasker_core import PermanentError, StepContext, StepHandler, StepHandlerResult
from tasker_core.batch_processing import Batchable
from tasker_core.types import CursorConfig


class Cut(StepHandler, Batchable):
    """Pieces of ``piece_bytes``; their cursors are bytes, so that a worker finds its own without reading the others."""

    handler_name = "csv_batches_cut"

    def call(self, context: StepContext) -> StepHandlerResult:
        path = Path(context.get_input("path"))
        if not path.is_file():
            raise PermanentError(f"there is no file {path}", error_code="no_file")
        pieces = [
            CursorConfig(start_cursor=start, end_cursor=end)
            for start, end in cut(path, context.get_config("piece_bytes"))
        ]
        return self.batch_analyzer_success(worker_template_name="count", cursor_configs=pieces)


class Count(StepHandler, Batchable):
    """Some rows of a piece, then a checkpoint with all that the piece came to so far.

    Place and sums are kept together, in the transaction that ends the attempt: a row is either behind the place and in
    the sums, or neither, however often the worker dies.
    """

    handler_name = "csv_batches_count"

    def call(self, context: StepContext) -> StepHandlerResult:
        if (nothing := self.handle_no_op_worker(context)) is not None:
            return nothing
        piece = self.get_batch_context(context)
        assert piece is not None
        start = piece.start_cursor if context.checkpoint_cursor is None else context.checkpoint_cursor
        sums: Sums = context.accumulated_results or {}
        most = piece.batch_metadata["checkpoint_interval"]
        place, added = add_rows(Path(context.get_input("path")), start, piece.end_cursor, most, sums)
        time.sleep(context.get_input_or("pace_ms", 0) / 1_000)
        rows = context.checkpoint_items_processed + added
        if place < piece.end_cursor:
            return self.checkpoint_yield(place, rows, sums)
        return self.batch_worker_success(items_processed=rows, results=[sums], last_cursor=place)


class AddUp(StepHandler, Batchable):
    """The sums of all pieces."""

    handler_name = "csv_batches_add_up"

    def call(self, context: StepContext) -> StepHandlerResult:
        scenario = self.detect_aggregation_scenario(context.dependency_results, "cut", "count_")
        total: Sums = {}
        for result in scenario.batch_results.values():
            for sku, (rows, cents) in result["results"][0].items():
                sold = total.setdefault(sku, [0, 0])
                sold[0] += rows
                sold[1] += cents
        return self.success({"rows": sum(rows for rows, _ in total.values()), "by_sku": dict(sorted(total.items()))})
