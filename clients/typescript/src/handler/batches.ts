import { HandlerDeclarationError } from "../errors/index.js";
import type { Json } from "../json/json.js";
import { type Metadata, StepHandlerResult } from "./result.js";

/** A piece of a batch: from its first item to the one after its last, in whatever JSON names them. */
export interface Piece {
  readonly startCursor: Json;
  readonly endCursor: Json;
  readonly size: number;
}

/** The piece that a step of a batch is to work on. */
export interface BatchPiece extends Piece {
  readonly batchId: string;
  readonly metadata: Json;
  /** It stands for an analyzer that found nothing to do. */
  readonly isNoOp: boolean;
}

/**
 * What the handler of a `batchable` step returns: the pieces, each of which becomes a step. Such a step reads `context.batch`.
 *
 * @example
 * stepHandler("imports_analyze", {}, async () => Batches.bySize("process", await countLines(), 250));
 * stepHandler("imports_process", {}, ({ context }) => work(context.batch));
 */
export const Batches = {
  /** Pieces of `size` items each, the last one smaller, for the steps that `workerTemplate` names; none for no items. */
  bySize(workerTemplate: string, totalItems: number, size: number, metadata: Metadata = {}): StepHandlerResult {
    if (!(size >= 1)) throw new HandlerDeclarationError(`a piece must have 1 item at least, not ${size}`);
    const pieces: Piece[] = [];
    for (let start = 0; start < totalItems; start += size) {
      const end = Math.min(start + size, totalItems);
      pieces.push({ startCursor: start, endCursor: end, size: end - start });
    }
    return Batches.of(workerTemplate, pieces, totalItems, metadata);
  },

  /** Pieces of your own. */
  of(workerTemplate: string, pieces: readonly Piece[], totalItems: number, metadata: Metadata = {}): StepHandlerResult {
    if (pieces.length === 0) return Batches.none("empty_dataset");
    const outcome = {
      type: "create_batches",
      worker_template_name: workerTemplate,
      worker_count: pieces.length,
      cursor_configs: pieces.map(({ startCursor, endCursor, size }, index) => ({
        batch_id: String(index + 1).padStart(3, "0"),
        start_cursor: startCursor,
        end_cursor: endCursor,
        batch_size: size,
      })),
      total_items: totalItems,
    };
    const result = { batch_processing_outcome: outcome, worker_count: pieces.length, total_items: totalItems };
    const told = Object.keys(metadata).length > 0 ? { ...result, batch_metadata: metadata } : result;
    return StepHandlerResult.success(told, { batch_analyzer: true });
  },

  /** There is nothing to do. */
  none(reason: string): StepHandlerResult {
    const result = { batch_processing_outcome: { type: "no_batches" }, reason };
    return StepHandlerResult.success(result, { batch_analyzer: true, no_batches: true });
  },
} as const;
