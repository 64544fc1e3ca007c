/** What a handler's metadata may hold; it is stored beside the result, for operators. */
export type Metadata = Readonly<Record<string, unknown>>;

/** What `failure` may be told besides its message. */
export interface FailureOptions {
  errorType?: string | undefined;
  errorCode?: string | undefined;
  retryable?: boolean | undefined;
  /** The earliest time of the next attempt, from now. */
  retryAfterMs?: number | undefined;
  metadata?: Metadata | undefined;
  backtrace?: readonly string[] | undefined;
}

/** How an attempt ended: with a result, with a failure, or for now with a checkpoint. */
export type Ending =
  | { readonly kind: "success"; readonly result: unknown; readonly metadata: Metadata }
  | ({ readonly kind: "failure"; readonly message: string } & FailureOptions)
  | {
      readonly kind: "checkpoint";
      readonly cursor: unknown;
      readonly itemsProcessed: number;
      readonly accumulatedResults: unknown;
    };

/**
 * What `call` of a handler returns.
 *
 * @example
 * StepHandlerResult.success({ order: "o-7" });
 * StepHandlerResult.failure("card declined", { errorCode: "card_declined", retryable: false });
 * StepHandlerResult.checkpoint(500, 500, { total: 12_000 });
 */
export class StepHandlerResult {
  private constructor(readonly ending: Ending) {}

  static success(result: unknown = {}, metadata: Metadata = {}): StepHandlerResult {
    return new StepHandlerResult({ kind: "success", result, metadata });
  }

  static failure(message: string, options: FailureOptions = {}): StepHandlerResult {
    return new StepHandlerResult({ kind: "failure", message, ...options });
  }

  /** Keeps how far the step is; it is called again from there, and no attempt is spent. */
  static checkpoint(cursor: unknown, itemsProcessed: number, accumulatedResults: unknown = null): StepHandlerResult {
    return new StepHandlerResult({ kind: "checkpoint", cursor, itemsProcessed, accumulatedResults });
  }

  get success(): boolean {
    return this.ending.kind === "success";
  }

  /** What the handler returned; undefined where it failed or yielded. */
  get result(): unknown {
    return this.ending.kind === "success" ? this.ending.result : undefined;
  }
}
